import { Alert } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { messageOf } from "./States";

/** What went wrong with a form, above its fields; nothing while all is well. */
export function Refusal({ error }: { error: unknown }) {
  if (error == null) return null;
  return (
    <Alert role="alert" color="red" variant="light">
      {messageOf(error)}
    </Alert>
  );
}

/** Tells of something that went wrong outside any form. */
export function tellRefusal(error: unknown) {
  notifications.show({ color: "red", message: messageOf(error), role: "alert" });
}

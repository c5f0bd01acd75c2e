import { Button, Group, Text } from "@mantine/core";
import { notifications } from "@mantine/notifications";

const UNDO_MS = 12_000;

/** Say what was done, with a button that takes it back; it stays while the pointer is on it. */
export function offerUndo({ message, action, undo }: { message: string; action: string; undo: () => void }) {
  const id = notifications.show({
    autoClose: UNDO_MS,
    message: (
      <Group justify="space-between" wrap="nowrap">
        <Text size="sm">{message}</Text>
        <Button
          size="compact-sm"
          variant="light"
          onClick={() => {
            notifications.hide(id);
            undo();
          }}
        >
          {action}
        </Button>
      </Group>
    ),
  });
}

export const tellFailure = (message: string) => notifications.show({ color: "red", message });

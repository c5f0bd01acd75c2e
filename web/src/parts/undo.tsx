import { Button, Group, Text } from "@mantine/core";
import { notifications } from "@mantine/notifications";

const UNDO_MS = 12_000;

/** What was offered last, as long as it is shown. */
let offered: { id: string; undo: () => void } | null = null;

/** Say what was done, with a button that takes it back; it stays while the pointer or the focus is on it. */
export function offerUndo({ message, action, undo }: { message: string; action: string; undo: () => void }) {
  const id = notifications.show({
    autoClose: UNDO_MS,
    onClose: () => {
      if (offered?.id === id) offered = null;
    },
    message: (
      <Group justify="space-between" wrap="nowrap">
        <Text size="sm">{message}</Text>
        <Button
          size="compact-sm"
          variant="light"
          aria-keyshortcuts="z"
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
  offered = { id, undo };
}

/** Take back what was done last, as its button would; false: nothing is offered. */
export function takeBackLast(): boolean {
  if (!offered) return false;
  const { id, undo } = offered;
  notifications.hide(id);
  undo();
  return true;
}

export const tellFailure = (message: string) => notifications.show({ color: "red", message });

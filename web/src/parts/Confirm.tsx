import { Button, Group, Modal, Stack, Text } from "@mantine/core";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

/** Asks before something that cannot be undone; the safe answer has the focus. What can be undone is not asked about. */
export function Confirm({ opened, title, action, children, onConfirm, onClose, busy }: ConfirmProps) {
  const { t } = useTranslation();
  return (
    <Modal opened={opened} onClose={onClose} title={title} centered>
      <Stack>
        <Text size="sm" component="div">
          {children}
        </Text>
        <Group justify="flex-end">
          <Button data-autofocus variant="default" onClick={onClose}>
            {t("state.cancel")}
          </Button>
          <Button color="red" onClick={onConfirm} loading={busy}>
            {action}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}

interface ConfirmProps {
  opened: boolean;
  title: string;
  /** What the button that does it says: a verb. */
  action: string;
  children: ReactNode;
  onConfirm: () => void;
  onClose: () => void;
  busy?: boolean;
}

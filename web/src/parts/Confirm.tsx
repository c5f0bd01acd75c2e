import { Button, Group, Modal, Stack, Text, TextInput } from "@mantine/core";
import { type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";

/** Asks before something that cannot be undone; the safe answer has the focus. What can be undone is not asked about. */
export function Confirm({ opened, title, action, children, onConfirm, onClose, busy, typed }: ConfirmProps) {
  const { t } = useTranslation();
  const [given, setGiven] = useState("");
  return (
    <Modal opened={opened} onClose={onClose} onExitTransitionEnd={() => setGiven("")} title={title} centered>
      <Stack>
        <Text size="sm" component="div">
          {children}
        </Text>
        {typed !== undefined && (
          <TextInput
            label={t("state.typeToConfirm", { name: typed })}
            autoComplete="off"
            value={given}
            onChange={(event) => setGiven(event.currentTarget.value)}
          />
        )}
        <Group justify="flex-end">
          <Button data-autofocus variant="default" onClick={onClose}>
            {t("state.cancel")}
          </Button>
          <Button color="red" onClick={onConfirm} loading={busy} disabled={typed !== undefined && given !== typed}>
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
  /** A name that has to be typed first, where very much would be lost. */
  typed?: string;
}

import { Button, Group, Modal, PasswordInput, Stack, Text } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { type FormEvent, type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import { tellDone } from "../../parts/announce";
import { Refusal } from "../../parts/Refusal";
import { meQuery } from "../auth/queries";

/** Asks for the present password before somebody changes how they come in, and does it. */
export function Prove({ opened, title, action, danger, children, onClose, onProven }: ProveProps) {
  const { t } = useTranslation();
  const how = useQuery(meQuery).data?.session?.how;
  const hasNone = how === "oidc" || how === "header"; // perhaps; the server knows, and refuses an empty one otherwise
  const [password, setPassword] = useState("");
  const proving = useMutation({
    mutationFn: () => onProven(password || null),
    onSuccess: () => {
      onClose();
      if (danger) tellDone(); // what is gone is not shown
    },
  });
  function submit(event: FormEvent) {
    event.preventDefault();
    proving.mutate();
  }
  function forget() {
    setPassword("");
    proving.reset();
  }
  return (
    <Modal opened={opened} onClose={onClose} onExitTransitionEnd={forget} title={title} centered>
      <form onSubmit={submit}>
        <Stack>
          <Refusal error={proving.error} />
          {children && <Text size="sm">{children}</Text>}
          <PasswordInput
            label={t("security.presentPassword")}
            description={hasNone ? t("security.noPasswordHint") : undefined}
            autoComplete="current-password"
            required={!hasNone}
            data-autofocus
            value={password}
            onChange={(event) => setPassword(event.currentTarget.value)}
          />
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              {t("state.cancel")}
            </Button>
            <Button type="submit" color={danger ? "red" : undefined} loading={proving.isPending}>
              {action}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}

interface ProveProps {
  opened: boolean;
  title: string;
  action: string;
  /** It takes something away. */
  danger?: boolean;
  children?: ReactNode;
  onClose: () => void;
  onProven: (password: string | null) => Promise<unknown>;
}

import { Button, Group, Modal, Stack, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useMutation } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { createWorkspace } from "../../api/generated";
import { unwrap } from "../../api/http";
import { Refusal } from "../../parts/Refusal";

/** Asks for the name of one more workspace. */
export function NewWorkspace({ onClose, onMade }: { onClose: () => void; onMade: (id: number) => Promise<void> }) {
  const { t } = useTranslation();
  const form = useForm({ initialValues: { name: "" } });
  const making = useMutation({
    mutationFn: (body: typeof form.values) => unwrap(createWorkspace({ body })),
    onSuccess: async (workspace) => {
      onClose();
      await onMade(workspace.id);
    },
  });
  return (
    <Modal opened onClose={onClose} title={t("workspaces.new")} centered>
      <form onSubmit={form.onSubmit((values) => making.mutate(values))}>
        <Stack>
          <Refusal error={making.error} />
          <TextInput label={t("auth.name")} required data-autofocus {...form.getInputProps("name")} />
          <Group justify="flex-end">
            <Button type="submit" loading={making.isPending}>
              {t("workspaces.create")}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}

import { Button, Group, Modal, Select, Stack, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { notifications } from "@mantine/notifications";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { addDomain, assignDomain, type DomainOut } from "../../api/generated";
import { unwrap } from "../../api/http";
import { Refusal } from "../../parts/Refusal";
import { workspacesQuery } from "../auth/queries";
import { useWorkspaceName } from "./workspaces";

const EVERYBODY = "everybody";

/** One more host, for everybody or for one workspace. */
export function NewDomain({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation();
  return (
    <DomainForm
      title={t("domains.add")}
      action={t("domains.add")}
      asksHost
      save={({ host, whose }) => unwrap(addDomain({ body: { host, workspace_id: numberOf(whose) } }))}
      said={(domain) => t("domains.isServed", { host: domain.host })}
      onClose={onClose}
    />
  );
}

/** Whose a domain is from now on. */
export function AssignDomain({ domain, onClose }: { domain: DomainOut; onClose: () => void }) {
  const { t } = useTranslation();
  const { host } = domain;
  return (
    <DomainForm
      title={t("domains.assignOf", { host })}
      action={t("domains.save")}
      whose={domain.workspace_id}
      save={({ whose }) => unwrap(assignDomain({ path: { host }, body: { workspace_id: numberOf(whose) } }))}
      said={() => t("domains.assigned", { host })}
      onClose={onClose}
    />
  );
}

function DomainForm({ title, action, asksHost, whose = null, save, said, onClose }: FormProps) {
  const { t } = useTranslation();
  const cache = useQueryClient();
  const nameOf = useWorkspaceName();
  const workspaces = useQuery(workspacesQuery(true));
  const form = useForm<Given>({ initialValues: { host: "", whose: whose === null ? EVERYBODY : String(whose) } });
  const saving = useMutation({
    mutationFn: save,
    onSuccess: async (domain) => {
      onClose();
      notifications.show({ message: said(domain) });
      await cache.invalidateQueries({ queryKey: ["domains"] });
    },
  });
  const known = new Set([...(workspaces.data ?? []).map(({ id }) => id), ...(whose === null ? [] : [whose])]);
  return (
    <Modal opened onClose={onClose} title={title} centered>
      <form onSubmit={form.onSubmit((given) => saving.mutate(given))}>
        <Stack>
          <Refusal error={saving.error ?? workspaces.error} />
          {asksHost && (
            <TextInput
              label={t("domains.host")}
              description={t("domains.hostHint")}
              placeholder="go.example.com"
              required
              data-autofocus
              maxLength={259}
              inputMode="url"
              autoComplete="off"
              autoCapitalize="none"
              spellCheck={false}
              {...form.getInputProps("host")}
            />
          )}
          <Select
            label={t("domains.whose")}
            description={t("domains.whoseHint")}
            allowDeselect={false}
            searchable={known.size > 8}
            data={[
              { value: EVERYBODY, label: t("domains.everybody") },
              ...[...known].map((id) => ({ value: String(id), label: nameOf(id) })),
            ]}
            {...form.getInputProps("whose")}
          />
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              {t("state.cancel")}
            </Button>
            <Button type="submit" loading={saving.isPending}>
              {action}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}

const numberOf = (whose: string) => (whose === EVERYBODY ? null : Number(whose));

interface Given {
  host: string;
  /** A workspace's number, or `EVERYBODY`. */
  whose: string;
}

interface FormProps {
  title: string;
  action: string;
  asksHost?: boolean;
  /** The workspace whose it is now; null: everybody's. */
  whose?: number | null;
  save: (given: Given) => Promise<DomainOut>;
  said: (domain: DomainOut) => string;
  onClose: () => void;
}

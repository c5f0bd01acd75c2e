import { Button, Checkbox, Group, Modal, NativeSelect, Stack, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useMutation } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { createKey, type MadeKey } from "../../api/generated";
import { unwrap } from "../../api/http";
import { Refusal } from "../../parts/Refusal";
import { useMay } from "../auth/useMay";
import { SCOPES, type Scope } from "./queries";

const DAY_MS = 86_400_000;
const DAYS = ["30", "90", "365", ""];

/** What a new key may do, on which links, and how long. */
export function NewKey({ onClose, onMade }: { onClose: () => void; onMade: (key: MadeKey) => Promise<void> }) {
  const { t } = useTranslation();
  const runsAll = useMay("installation");
  const readsMetrics = useMay("metrics:read");
  const form = useForm({
    initialValues: {
      name: "",
      scopes: ["links:write"] as Scope[],
      domain: "",
      tag: "",
      own: false,
      installation: false,
      days: "90",
    },
    validate: { scopes: (scopes) => (scopes.length === 0 ? t("keys.scopeNeeded") : null) },
  });
  const { scopes, days, domain, tag } = form.values;
  const narrow = SCOPES.filter(({ scope }) => scopes.includes(scope)).every((one) => one.narrow);
  const making = useMutation({
    mutationFn: (given: typeof form.values) =>
      unwrap(
        createKey({
          body: {
            name: given.name,
            scopes: given.scopes,
            only_domain: (narrow && domain.trim()) || null,
            only_tag: (narrow && tag.trim()) || null,
            only_own: narrow && given.own,
            installation: given.scopes.includes("admin") && given.installation,
            expires_at: days ? new Date(Date.now() + Number(days) * DAY_MS).toISOString() : null,
          },
        }),
      ),
    onSuccess: onMade,
  });
  return (
    <Modal opened onClose={onClose} title={t("keys.new")} size="lg" centered>
      <form onSubmit={form.onSubmit((values) => making.mutate(values))}>
        <Stack>
          <Refusal error={making.error} />
          <TextInput
            label={t("auth.name")}
            description={t("keys.nameHint")}
            required
            data-autofocus
            autoComplete="off"
            {...form.getInputProps("name")}
          />
          <Checkbox.Group label={t("keys.may")} {...form.getInputProps("scopes")}>
            <Stack gap="xs" mt="xs">
              {SCOPES.filter(({ scope }) => readsMetrics || scope !== "metrics:read").map(({ scope, text }) => (
                <Checkbox key={scope} value={scope} label={t(text)} description={scope} />
              ))}
            </Stack>
          </Checkbox.Group>
          {runsAll && scopes.includes("admin") && (
            <Checkbox
              label={t("keys.installation")}
              description={t("keys.installationHint")}
              {...form.getInputProps("installation", { type: "checkbox" })}
            />
          )}
          {narrow && (
            <>
              <Group grow preventGrowOverflow={false}>
                <TextInput label={t("keys.onlyDomain")} placeholder="go.example" {...form.getInputProps("domain")} />
                <TextInput label={t("keys.onlyTag")} {...form.getInputProps("tag")} />
              </Group>
              <Checkbox label={t("keys.onlyOwn")} {...form.getInputProps("own", { type: "checkbox" })} />
            </>
          )}
          <NativeSelect
            label={t("keys.lifetime")}
            data={DAYS.map((value) => ({
              value,
              label: value ? t("keys.days", { count: Number(value) }) : t("keys.forEver"),
            }))}
            {...form.getInputProps("days")}
          />
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              {t("state.cancel")}
            </Button>
            <Button type="submit" loading={making.isPending}>
              {t("keys.create")}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}

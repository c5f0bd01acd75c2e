import { Alert, Button, Group, Radio, Stack, Text } from "@mantine/core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { LinkOut } from "../../api/generated";
import { differing, type Field, type Values, valuesOf } from "./values";

const LABELS: Record<Field, string> = {
  target: "linkForm.target",
  slug: "linkForm.slug",
  domain: "linkForm.domain",
  title: "linkForm.title",
  tags: "linkForm.tags",
  folder: "linkForm.folder",
  notes: "linkForm.notes",
  valid_from: "linkForm.validFrom",
  expires_at: "linkForm.expiresAt",
  max_clicks: "linkForm.maxClicks",
  fallback_target: "linkForm.fallback",
  status: "linkForm.status",
  forward_query: "linkForm.forwardQuery",
  crawlable: "linkForm.crawlable",
  enabled: "linkForm.enabled",
  archived: "linkForm.archived",
  cache_s: "linkForm.cache",
  referrer_policy: "linkForm.referrer",
  password: "linkForm.password",
  remove_password: "linkForm.passwordRemove",
};

const HIDDEN = "••••••••";

/** Somebody else changed the link meanwhile: both versions side by side, and a choice for each field. */
export function Conflict({ mine, theirs, busy, onSave, onCancel }: ConflictProps) {
  const { t } = useTranslation();
  const stored = valuesOf(theirs);
  const fields = differing(mine, stored);
  const [kept, setKept] = useState<Partial<Record<Field, "mine" | "theirs">>>({});
  const chosen = (field: Field) => kept[field] ?? "mine";
  return (
    <Stack>
      <Alert
        color="yellow"
        role="alert"
        title={t("conflict.title")}
        styles={{ title: { color: "var(--mantine-color-text)" } }}
      >
        {t("conflict.hint")}
      </Alert>
      {fields.map((field) => (
        <Radio.Group
          key={field}
          label={t(LABELS[field])}
          value={chosen(field)}
          onChange={(value) => setKept((before) => ({ ...before, [field]: value as "mine" | "theirs" }))}
        >
          <Group grow mt={4} align="flex-start">
            <Radio.Card value="mine" p="sm" radius="md">
              <Choice title={t("conflict.mine")} value={field === "password" ? HIDDEN : mine[field]} />
            </Radio.Card>
            <Radio.Card value="theirs" p="sm" radius="md">
              <Choice title={t("conflict.theirs")} value={stored[field]} />
            </Radio.Card>
          </Group>
        </Radio.Group>
      ))}
      <Group justify="flex-end">
        <Button variant="default" onClick={onCancel}>
          {t("state.cancel")}
        </Button>
        <Button loading={busy} onClick={() => onSave(fields.filter((field) => chosen(field) === "mine"))}>
          {t("conflict.save")}
        </Button>
      </Group>
    </Stack>
  );
}

function Choice({ title, value }: { title: string; value: Values[Field] }) {
  const { t } = useTranslation();
  const said = typeof value === "boolean" ? t(value ? "conflict.yes" : "conflict.no") : [value].flat().join(", ");
  return (
    <Group wrap="nowrap" align="flex-start" gap="xs">
      <Radio.Indicator />
      <div style={{ minWidth: 0 }}>
        <Text size="sm" fw={600}>
          {title}
        </Text>
        <Text size="sm" style={{ overflowWrap: "anywhere" }}>
          {said || t("conflict.empty")}
        </Text>
      </div>
    </Group>
  );
}

interface ConflictProps {
  mine: Values;
  theirs: LinkOut;
  busy: boolean;
  /** Is given the fields whose own value was chosen. */
  onSave: (fields: Field[]) => void;
  onCancel: () => void;
}

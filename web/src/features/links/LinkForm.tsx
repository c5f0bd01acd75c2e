import {
  Accordion,
  Button,
  Group,
  NumberInput,
  PasswordInput,
  Select,
  Stack,
  Switch,
  Text,
  Textarea,
  TextInput,
} from "@mantine/core";
import { useForm } from "@mantine/form";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import type { LinkOut } from "../../api/generated";
import { Problem } from "../../api/problem";
import { Failed } from "../../parts/States";
import { DomainSelect } from "../domains/DomainSelect";
import { withScheme } from "../home/Shorten";
import { FolderField, TagsField } from "./LabelField";
import { SlugField } from "./SlugField";
import { readUtm, UTM, urlOf, withUtm } from "./utm";
import { EMPTY, type Field, type Values, valuesOf } from "./values";

const MIN_PASSWORD = 8;
const POLICIES = [
  "no-referrer",
  "no-referrer-when-downgrade",
  "origin",
  "origin-when-cross-origin",
  "same-origin",
  "strict-origin",
  "strict-origin-when-cross-origin",
  "unsafe-url",
];

/** Everything that a link can do: what nearly everybody sets first, the rest behind headings. */
export function LinkForm({ link, target, failure, busy, onSave, onCancel, children }: LinkFormProps) {
  const { t } = useTranslation();
  const form = useForm<Values>({
    initialValues: link ? valuesOf(link) : { ...EMPTY, target: target ?? "" },
    validate: {
      target: (value) => (value.trim() ? null : t("linkForm.targetMissing")),
      password: (value, { remove_password }) =>
        value && !remove_password && value.length < MIN_PASSWORD
          ? t("linkForm.passwordShort", { count: MIN_PASSWORD })
          : null,
    },
  });
  const field = failure instanceof Problem ? (failure.field?.split(".")[0] as Field | undefined) : undefined;
  const refusal = (name: Field) => (field === name && failure instanceof Problem ? failure.message : undefined);
  const input = <F extends Field>(name: F) => ({
    ...form.getInputProps(name),
    error: form.errors[name] ?? refusal(name),
  });
  const values = form.values;
  const shown = link ? valuesOf(link) : EMPTY;
  const set = (fields: Field[]) => fields.some((name) => JSON.stringify(shown[name]) !== JSON.stringify(EMPTY[name]));
  const open = [
    ["organise", set(["tags", "folder", "notes"])],
    ["limits", set(["valid_from", "expires_at", "max_clicks", "fallback_target"])],
    ["password", link?.has_password],
    ["redirect", set(["forward_query", "crawlable", "cache_s", "referrer_policy"]) || shown.status !== "302"],
  ];
  return (
    <form onSubmit={form.onSubmit((given) => onSave(ready(given)))} noValidate>
      <Stack>
        <TextInput
          data-autofocus
          label={t("linkForm.target")}
          placeholder="https://example.com/…"
          inputMode="url"
          autoComplete="off"
          required
          {...input("target")}
        />
        {!link && (
          <DomainSelect
            usualAsEmpty
            description={t("linkForm.domainHint")}
            value={values.domain}
            onChange={(domain) => form.setFieldValue("domain", domain)}
            error={refusal("domain")}
          />
        )}
        <SlugField
          value={values.slug}
          onChange={(slug) => form.setFieldValue("slug", slug)}
          error={refusal("slug")}
          own={link ? [link.slug, ...link.aliases] : []}
          domain={values.domain}
        />
        {link && values.slug !== link.slug && (
          <Text size="sm" c="dimmed">
            {t("linkForm.aliasHint", { slug: link.slug })}
          </Text>
        )}
        <TextInput label={t("linkForm.title")} maxLength={512} {...input("title")} />
        {link && (
          <Group>
            <Switch label={t("linkForm.enabled")} {...form.getInputProps("enabled", { type: "checkbox" })} />
            <Switch label={t("linkForm.archived")} {...form.getInputProps("archived", { type: "checkbox" })} />
          </Group>
        )}
        <Accordion
          multiple
          variant="separated"
          order={3}
          defaultValue={open.filter(([, used]) => used).map(([name]) => String(name))}
        >
          <Part name="organise" title={t("linkForm.organise")}>
            <TagsField
              label={t("linkForm.tags")}
              value={values.tags}
              onChange={(tags) => form.setFieldValue("tags", tags)}
              error={refusal("tags")}
            />
            <FolderField
              label={t("linkForm.folder")}
              value={values.folder}
              onChange={(folder) => form.setFieldValue("folder", folder)}
              error={refusal("folder")}
            />
            <Textarea
              label={t("linkForm.notes")}
              autosize
              minRows={2}
              maxRows={8}
              maxLength={10_000}
              {...input("notes")}
            />
          </Part>
          <Part name="limits" title={t("linkForm.limits")}>
            <TextInput type="datetime-local" label={t("linkForm.validFrom")} {...input("valid_from")} />
            <TextInput type="datetime-local" label={t("linkForm.expiresAt")} {...input("expires_at")} />
            <NumberInput label={t("linkForm.maxClicks")} min={1} allowDecimal={false} {...input("max_clicks")} />
            <TextInput
              label={t("linkForm.fallback")}
              description={t("linkForm.fallbackHint")}
              inputMode="url"
              {...input("fallback_target")}
            />
          </Part>
          <Part name="password" title={t("linkForm.password")}>
            <PasswordInput
              label={t(link?.has_password ? "linkForm.passwordNew" : "linkForm.password")}
              description={t(link?.has_password ? "linkForm.passwordKept" : "linkForm.passwordHint")}
              autoComplete="new-password"
              maxLength={256}
              disabled={values.remove_password}
              visibilityToggleButtonProps={{ "aria-label": t("linkForm.passwordShow") }}
              {...input("password")}
            />
            {link?.has_password && (
              <Switch
                label={t("linkForm.passwordRemove")}
                description={t("linkForm.passwordRemoveHint")}
                {...form.getInputProps("remove_password", { type: "checkbox" })}
              />
            )}
          </Part>
          <Part name="redirect" title={t("linkForm.redirect")}>
            <Select
              label={t("linkForm.status")}
              allowDeselect={false}
              data={["302", "301", "307", "308"].map((value) => ({ value, label: t(`linkForm.statuses.${value}`) }))}
              {...input("status")}
            />
            <Switch label={t("linkForm.forwardQuery")} {...form.getInputProps("forward_query", { type: "checkbox" })} />
            <Switch label={t("linkForm.crawlable")} {...form.getInputProps("crawlable", { type: "checkbox" })} />
            <NumberInput
              label={t("linkForm.cache")}
              description={t("linkForm.cacheHint")}
              min={0}
              allowDecimal={false}
              {...input("cache_s")}
            />
            <Select
              label={t("linkForm.referrer")}
              clearable
              placeholder={t("linkForm.referrerDefault")}
              data={POLICIES}
              value={values.referrer_policy || null}
              onChange={(policy) => form.setFieldValue("referrer_policy", policy ?? "")}
            />
          </Part>
          <Part name="utm" title={t("linkForm.utm")}>
            {!urlOf(values.target) && (
              <Text size="sm" c="dimmed">
                {t("linkForm.utmHint")}
              </Text>
            )}
            {UTM.map((name) => (
              <TextInput
                key={name}
                label={t(`linkForm.utms.${name}`)}
                disabled={!urlOf(values.target)}
                value={readUtm(values.target, name)}
                onChange={(event) =>
                  form.setFieldValue("target", withUtm(values.target, name, event.currentTarget.value))
                }
              />
            ))}
          </Part>
          {children && (
            <Part name="qr" title={t("linkForm.qr")}>
              {children}
            </Part>
          )}
        </Accordion>
        {failure !== null && failure !== undefined && !(field && field in values) && <Failed error={failure} />}
        <Group justify="flex-end">
          <Button variant="default" onClick={onCancel}>
            {t("state.cancel")}
          </Button>
          <Button type="submit" loading={busy}>
            {link ? t("linkForm.save") : t("linkForm.create")}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

/** What was given, as it is sent. */
const ready = (given: Values): Values => ({
  ...given,
  target: withScheme(given.target),
  password: given.remove_password ? "" : given.password,
});

function Part({ name, title, children }: { name: string; title: string; children: ReactNode }) {
  return (
    <Accordion.Item value={name}>
      <Accordion.Control>{title}</Accordion.Control>
      <Accordion.Panel>
        <Stack gap="sm">{children}</Stack>
      </Accordion.Panel>
    </Accordion.Item>
  );
}

interface LinkFormProps {
  /** The link as it was read; without one a new link is made. */
  link?: LinkOut;
  target?: string;
  failure: unknown;
  busy: boolean;
  onSave: (values: Values) => void;
  onCancel: () => void;
  /** What stands behind the heading of the QR code. */
  children?: ReactNode;
}

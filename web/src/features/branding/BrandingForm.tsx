import { Alert, Badge, Button, ColorInput, FileButton, Group, Stack, Text, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { notifications } from "@mantine/notifications";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { type BrandingChanges, type BrandingOut, changeBranding } from "../../api/generated";
import { unwrap } from "../../api/http";
import { messageOf } from "../../parts/States";
import { contrast, isColour, textOn } from "./colour";
import { brandingQuery } from "./queries";

const MAX_LOGO = 32_768;
const LINKS = ["home_url", "imprint_url", "privacy_url"] as const;

/** Name, logo, colour and links that pages show; saved as one. */
export function BrandingForm({ branding }: { branding: BrandingOut }) {
  const { t } = useTranslation();
  const cache = useQueryClient();
  const { name, accent, home_url, imprint_url, privacy_url } = branding;
  const form = useForm({
    initialValues: { name, accent, home_url, imprint_url, privacy_url },
    validate: { accent: (value) => (isColour(value) ? null : t("branding.noColour")) },
  });
  const saving = useMutation({
    mutationFn: (changes: BrandingChanges) => unwrap(changeBranding({ body: changes })),
    onSuccess: (saved) => {
      cache.setQueryData(brandingQuery.queryKey, saved);
      form.resetDirty();
      notifications.show({ message: t("branding.saved") });
    },
  });
  async function chooseLogo(file: File | null) {
    if (!file) return;
    if (file.size > MAX_LOGO) {
      notifications.show({ color: "red", message: t("branding.logoTooLarge") });
      return;
    }
    const media_type = file.type === "image/svg+xml" ? "image/svg+xml" : "image/png";
    saving.mutate({ logo: { media_type, data: toBase64(await file.arrayBuffer()) } });
  }
  const colour = form.values.accent;
  return (
    <form onSubmit={form.onSubmit((values) => saving.mutate(values))}>
      <Stack>
        <TextInput label={t("branding.name")} maxLength={40} required {...form.getInputProps("name")} />
        <div>
          <Text component="h3" size="sm" fw={500} mb={4}>
            {t("branding.logo")}
          </Text>
          <Group>
            {branding.logo_url && (
              <img src={branding.logo_url} alt={t("branding.logo")} style={{ maxHeight: 40, maxWidth: 160 }} />
            )}
            <FileButton onChange={chooseLogo} accept="image/png,image/svg+xml">
              {(props) => (
                <Button variant="default" {...props}>
                  {t("branding.chooseLogo")}
                </Button>
              )}
            </FileButton>
            {branding.logo_url && (
              <Button variant="subtle" onClick={() => saving.mutate({ logo: null })}>
                {t("branding.removeLogo")}
              </Button>
            )}
          </Group>
          <Text size="xs" c="dimmed" mt={4}>
            {t("branding.logoHint")}
          </Text>
        </div>
        <div>
          <ColorInput
            label={t("branding.accent")}
            format="hex"
            eyeDropperButtonProps={{ "aria-label": t("branding.pick") }}
            {...form.getInputProps("accent")}
          />
          {isColour(colour) && (
            <Group mt="xs" gap="xs" role="status">
              <Badge style={{ background: colour, color: textOn(colour) }} size="lg" tt="none">
                {t("branding.sample")}
              </Badge>
              <Text size="xs" c="dimmed">
                {contrast(colour, "#fafafa") >= 4.5 ? t("branding.readable") : t("branding.adjusted")}
              </Text>
            </Group>
          )}
        </div>
        {LINKS.map((field) => (
          <TextInput
            key={field}
            type="url"
            label={t(`branding.${field}`)}
            placeholder="https://example.com/…"
            {...form.getInputProps(field)}
          />
        ))}
        {saving.isError && (
          <Alert role="alert" color="red">
            {messageOf(saving.error)}
          </Alert>
        )}
        <Group>
          <Button type="submit" loading={saving.isPending} disabled={!form.isDirty()}>
            {t("branding.save")}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

function toBase64(bytes: ArrayBuffer): string {
  let text = "";
  for (const byte of new Uint8Array(bytes)) text += String.fromCharCode(byte);
  return btoa(text);
}

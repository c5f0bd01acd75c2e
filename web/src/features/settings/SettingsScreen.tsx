import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { Screen } from "../../parts/Screen";
import { Section } from "../../parts/Section";
import { Failed, Waiting } from "../../parts/States";
import { meQuery } from "../auth/queries";
import { BrandingForm } from "../branding/BrandingForm";
import { brandingQuery } from "../branding/queries";
import { Tools } from "../tools/Tools";
import { EffectiveSettings } from "./EffectiveSettings";

/** Tools for everybody; branding and the settings in effect for who looks after the installation. */
export function SettingsScreen() {
  const { t } = useTranslation();
  const me = useQuery(meQuery);
  const looksAfterIt = me.data?.permissions.includes("installation");
  return (
    <Screen title={t("settings.title")} width={960}>
      <Section title={t("tools.title")}>
        <Tools />
      </Section>
      {looksAfterIt && (
        <>
          <Section title={t("branding.title")} hint={t("branding.hint")}>
            <Branding />
          </Section>
          <Section title={t("settings.effective")} hint={t("settings.effectiveHint")}>
            <EffectiveSettings />
          </Section>
        </>
      )}
    </Screen>
  );
}

function Branding() {
  const { t } = useTranslation();
  const branding = useQuery(brandingQuery);
  if (branding.isPending) return <Waiting label={t("state.waiting")} height={520} />;
  if (branding.isLoadingError) return <Failed error={branding.error} onRetry={branding.refetch} />;
  return <BrandingForm branding={branding.data} />;
}

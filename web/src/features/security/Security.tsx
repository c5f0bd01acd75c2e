import { useTranslation } from "react-i18next";
import { Screen } from "../../parts/Screen";
import { AppSection } from "./AppSection";
import { PasskeysSection } from "./PasskeysSection";
import { PasswordSection } from "./PasswordSection";
import { ProfileSection } from "./ProfileSection";
import { SessionsSection } from "./SessionsSection";

/** One's own account: who one is, how one comes in, and from where. */
export function Security() {
  const { t } = useTranslation();
  return (
    <Screen title={t("nav.security")} width={800}>
      <ProfileSection />
      <PasswordSection />
      <PasskeysSection />
      <AppSection />
      <SessionsSection />
    </Screen>
  );
}

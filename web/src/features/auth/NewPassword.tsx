import { PasswordInput, type PasswordInputProps } from "@mantine/core";
import { useTranslation } from "react-i18next";

/** Where somebody chooses a password, with what makes a good one. */
export function NewPassword(props: PasswordInputProps) {
  const { t } = useTranslation();
  return (
    <PasswordInput
      label={t("auth.password")}
      description={t("auth.passwordHint")}
      autoComplete="new-password"
      required
      {...props}
    />
  );
}

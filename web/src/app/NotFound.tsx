import { Button, Center } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { Screen } from "../parts/Screen";

export function NotFound() {
  const { t } = useTranslation();
  return (
    <Center component="main" mih="100dvh" p="md">
      <Screen title={t("state.notFound")}>
        <Button renderRoot={(props) => <Link to="/" {...props} />}>{t("nav.home")}</Button>
      </Screen>
    </Center>
  );
}

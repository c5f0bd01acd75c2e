import { Button } from "@mantine/core";
import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { Empty } from "../parts/States";

export function NotFound() {
  const { t } = useTranslation();
  return (
    <Empty title={t("state.notFound")}>
      <Button renderRoot={(props) => <Link to="/" {...props} />}>{t("nav.home")}</Button>
    </Empty>
  );
}

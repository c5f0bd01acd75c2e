import { ActionIcon, Tooltip } from "@mantine/core";
import { IconCheck, IconCopy } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { useCopy } from "../../parts/clipboard";

export function CopyLink({ url }: { url: string }) {
  const { t } = useTranslation();
  const { copied, copy } = useCopy(url);
  return (
    <Tooltip label={copied ? t("links.copied") : t("links.copy")}>
      <ActionIcon variant="subtle" onClick={copy} aria-label={t("links.copyOf", { url })}>
        {copied ? <IconCheck size={16} aria-hidden /> : <IconCopy size={16} aria-hidden />}
      </ActionIcon>
    </Tooltip>
  );
}

import { Button } from "@mantine/core";
import { IconCheck, IconCopy } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { useCopy } from "./clipboard";

/** A button that puts a text into the clipboard, and says that it did. */
export function CopyText({ value }: { value: string }) {
  const { t } = useTranslation();
  const { copied, copy } = useCopy(value);
  return (
    <Button
      variant="default"
      onClick={copy}
      leftSection={copied ? <IconCheck size={16} aria-hidden /> : <IconCopy size={16} aria-hidden />}
    >
      {copied ? t("once.copied") : t("once.copy")}
    </Button>
  );
}

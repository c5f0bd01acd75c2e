import { Button, Group, Stack, Text } from "@mantine/core";
import { IconDownload } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { useInstall } from "../pwa/useInstall";
import { Bookmark } from "./Bookmark";

/** What makes shortening quick from elsewhere: a bookmark, and the installed app. */
export function Tools() {
  const { t } = useTranslation();
  const install = useInstall();
  return (
    <Stack>
      <div>
        <Group>
          <Bookmark />
        </Group>
        <Text size="sm" c="dimmed" mt="xs">
          {t("tools.bookmarkHint")}
        </Text>
      </div>
      <div>
        <Group>
          <Button
            variant="default"
            leftSection={<IconDownload size={16} aria-hidden />}
            disabled={!install}
            onClick={install ?? undefined}
          >
            {t("tools.install")}
          </Button>
        </Group>
        <Text size="sm" c="dimmed" mt="xs">
          {install ? t("tools.installHint") : t("tools.installElsewhere")}
        </Text>
      </div>
    </Stack>
  );
}

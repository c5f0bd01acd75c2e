import { Button, Group, Stack, Text } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { IconBookmark, IconDownload } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { useInstall } from "../pwa/useInstall";
import { bookmarklet } from "./bookmarklet";

/** What makes shortening quick from elsewhere: a bookmark, and the installed app. */
export function Tools() {
  const { t } = useTranslation();
  const install = useInstall();
  return (
    <Stack>
      <div>
        <Group>
          <Button
            component="a"
            variant="default"
            leftSection={<IconBookmark size={16} aria-hidden />}
            // React refuses such addresses as a property; this one is ours, and only to be dragged
            ref={(link: HTMLAnchorElement | null) => link?.setAttribute("href", bookmarklet(location.origin))}
            onClick={(event) => {
              event.preventDefault();
              notifications.show({ message: t("tools.dragIt") });
            }}
          >
            {t("tools.shorten")}
          </Button>
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

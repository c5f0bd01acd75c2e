import { Button } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { IconBookmark } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { bookmarklet } from "./bookmarklet";

/** What is dragged to the bookmarks bar, and shortens any page from there. */
export function Bookmark() {
  const { t } = useTranslation();
  return (
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
  );
}

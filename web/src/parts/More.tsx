import { Button, Center } from "@mantine/core";
import { useTranslation } from "react-i18next";

/** Asks for the next page of a list; nothing after the last one. */
export function More({ query }: { query: Pages }) {
  const { t } = useTranslation();
  if (!query.hasNextPage) return null;
  return (
    <Center pt="sm">
      <Button variant="default" loading={query.isFetchingNextPage} onClick={() => query.fetchNextPage()}>
        {t("state.more")}
      </Button>
    </Center>
  );
}

interface Pages {
  hasNextPage: boolean;
  isFetchingNextPage: boolean;
  fetchNextPage: () => unknown;
}

import { Anchor, Group, Skeleton, Stack, Text } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { formatNumber } from "../../i18n/format";
import { Failed } from "../../parts/States";
import { keyOf, linksQuery } from "../links/queries";

const TOP = 5;

/** The links with the most clicks since they were made. */
export function TopLinks() {
  const { t } = useTranslation();
  const links = useInfiniteQuery(linksQuery({ sort: "-clicks" }, TOP));
  if (links.isPending) return <Skeleton height={140} />;
  if (links.isError) return <Failed error={links.error} onRetry={links.refetch} />;
  const items = (links.data.pages[0]?.items ?? []).filter((link) => link.clicks > 0);
  if (items.length === 0) return <Text c="dimmed">{t("home.noClicks")}</Text>;
  return (
    <Stack component="ol" gap="xs" p={0} m={0} style={{ listStyle: "none" }}>
      {items.map((link) => (
        <Group key={keyOf(link)} component="li" justify="space-between" wrap="nowrap">
          <Anchor
            truncate
            renderRoot={(props) => (
              <Link to="/app/links/$slug" params={{ slug: link.slug }} search={{ domain: link.domain }} {...props} />
            )}
          >
            {link.short_url.replace(/^https?:\/\//, "")}
          </Anchor>
          <Text size="sm" style={{ whiteSpace: "nowrap" }}>
            {t("links.clicks", { count: link.clicks, number: formatNumber(link.clicks) })}
          </Text>
        </Group>
      ))}
    </Stack>
  );
}

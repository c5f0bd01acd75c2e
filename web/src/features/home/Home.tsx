import { Anchor, Group, Skeleton, Stack, Text } from "@mantine/core";
import { type QueryClient, useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { formatAgo, formatNumber } from "../../i18n/format";
import { Screen } from "../../parts/Screen";
import { Section } from "../../parts/Section";
import { Empty, Failed } from "../../parts/States";
import { CopyLink } from "../links/CopyLink";
import { keyOf } from "../links/queries";
import { nameOf, ShortName } from "../links/ShortName";
import { Attention } from "./Attention";
import { LiveHour } from "./LiveHour";
import { attentionQuery, recentQuery, SPAN, todayQuery, topQuery, weekQuery } from "./queries";
import { Shorten } from "./Shorten";
import { TopLinks } from "./TopLinks";
import { Totals } from "./Totals";

/** Ask for what the screen shows, all at once; its parts find the answers, or wait for them. */
export function fetchHome(cache: QueryClient) {
  for (const query of [todayQuery, weekQuery]) cache.prefetchQuery(query);
  cache.prefetchQuery(attentionQuery);
  cache.prefetchQuery(topQuery(SPAN));
  cache.prefetchInfiniteQuery(recentQuery);
}

const RECENT_HEIGHT = 160;

export function Home() {
  const { t } = useTranslation();
  return (
    <Screen title={t("home.title")} width={960}>
      <Text c="dimmed" mt="calc(var(--mantine-spacing-md) * -1)">
        {t("home.lead")}
      </Text>
      <Shorten />
      <Totals />
      <LiveHour />
      <Attention />
      <Section
        title={t("home.recent")}
        actions={<Anchor renderRoot={(props) => <Link to="/app/links" {...props} />}>{t("home.all")}</Anchor>}
      >
        <Recent />
      </Section>
      <TopLinks />
    </Screen>
  );
}

function Recent() {
  const { t } = useTranslation();
  const links = useInfiniteQuery(recentQuery);
  if (links.isPending) return <Skeleton height={RECENT_HEIGHT} role="status" aria-label={t("state.waiting")} />;
  if (links.isLoadingError) return <Failed error={links.error} onRetry={links.refetch} />;
  const items = links.data.pages[0]?.items ?? [];
  if (items.length === 0) {
    return (
      <Empty title={t("home.none")}>
        <Text c="dimmed">{t("home.noneHint")}</Text>
      </Empty>
    );
  }
  return (
    <Stack component="ul" gap="sm" p={0} m={0} style={{ listStyle: "none" }}>
      {items.map((link) => (
        <Group key={keyOf(link)} component="li" justify="space-between" wrap="nowrap">
          <Stack gap={0} miw={0}>
            <Group gap={4} wrap="nowrap">
              <Anchor
                href={link.short_url}
                target="_blank"
                rel="noreferrer"
                truncate
                fw={600}
                aria-label={nameOf(link.short_url)}
              >
                <ShortName url={link.short_url} />
              </Anchor>
              <CopyLink url={link.short_url} />
            </Group>
            <Text size="sm" c="dimmed" truncate>
              {link.title || link.target}
            </Text>
          </Stack>
          <Stack gap={0} align="flex-end" style={{ flexShrink: 0 }}>
            <Text size="sm" style={{ fontVariantNumeric: "tabular-nums" }}>
              {t("links.clicks", { count: link.clicks, number: formatNumber(link.clicks) })}
            </Text>
            <Text size="xs" c="dimmed">
              {formatAgo(link.created_at)}
            </Text>
          </Stack>
        </Group>
      ))}
    </Stack>
  );
}

import { Anchor, Badge, Button, ScrollArea, Skeleton, Stack, Table, Text } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { formatMoment } from "../../i18n/format";
import { Section } from "../../parts/Section";
import { Failed } from "../../parts/States";
import { type Of, type Seen, visitsQuery } from "./queries";
import type { StatsSearch } from "./search";
import { nameOf } from "./values";

/** Single visits that are still kept, newest first; of all links together each says of which one. */
export function Visits({ of, search }: { of: Of; search: StatsSearch }) {
  const { t } = useTranslation();
  const visits = useInfiniteQuery(visitsQuery(of, search));
  const items = visits.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <Section title={t("stats.visits")} hint={t("stats.visitsHint")}>
      {visits.isPending ? (
        <Skeleton height={200} />
      ) : visits.isLoadingError ? (
        <Failed error={visits.error} onRetry={visits.refetch} />
      ) : (
        <Stack align="flex-start">
          {items.length === 0 ? (
            <Text c="dimmed">{t("stats.nothing")}</Text>
          ) : (
            <ScrollArea w="100%" viewportProps={{ tabIndex: 0, "aria-label": t("stats.visits") }}>
              <Table miw={720}>
                <Table.Thead>
                  <Table.Tr>
                    <Table.Th scope="col">{t("stats.time")}</Table.Th>
                    {!of && <Table.Th scope="col">{t("stats.link")}</Table.Th>}
                    <Table.Th scope="col">{t("stats.dimensions.referrer")}</Table.Th>
                    <Table.Th scope="col">{t("stats.dimensions.country")}</Table.Th>
                    <Table.Th scope="col">{t("stats.dimensions.browser")}</Table.Th>
                    <Table.Th scope="col">{t("stats.dimensions.os")}</Table.Th>
                    <Table.Th scope="col">{t("stats.dimensions.device")}</Table.Th>
                  </Table.Tr>
                </Table.Thead>
                <Table.Tbody>
                  {items.map((visit, place) => (
                    // biome-ignore lint/suspicious/noArrayIndexKey: visits have no identity, and only more are added
                    <Table.Tr key={`${visit.at}/${place}`}>
                      <Table.Td style={{ whiteSpace: "nowrap" }}>{formatMoment(visit.at)}</Table.Td>
                      {!of && (
                        <Table.Td>
                          <LinkOf visit={visit} />
                        </Table.Td>
                      )}
                      <Table.Td>{visit.referrer || t("stats.direct")}</Table.Td>
                      <Table.Td>{visit.country ? nameOf("country", visit.country) : "–"}</Table.Td>
                      <Table.Td>{visit.bot || visit.browser || "–"}</Table.Td>
                      <Table.Td>{visit.os || "–"}</Table.Td>
                      <Table.Td>
                        {visit.refused ? <Badge color="gray">{visit.refused}</Badge> : visit.device || "–"}
                      </Table.Td>
                    </Table.Tr>
                  ))}
                </Table.Tbody>
              </Table>
            </ScrollArea>
          )}
          {visits.hasNextPage && (
            <Button variant="default" loading={visits.isFetchingNextPage} onClick={() => visits.fetchNextPage()}>
              {t("stats.more")}
            </Button>
          )}
        </Stack>
      )}
    </Section>
  );
}

function LinkOf({ visit: { slug, domain } }: { visit: Seen }) {
  if (!slug) return "–";
  return (
    <Anchor
      fz="inherit"
      renderRoot={(props) => (
        <Link to="/app/links/$slug" params={{ slug }} search={{ domain: domain ?? undefined }} {...props} />
      )}
    >
      /{slug}
    </Anchor>
  );
}

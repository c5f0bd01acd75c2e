import { AspectRatio, ScrollArea, SimpleGrid, Skeleton, Table, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { lazy, Suspense } from "react";
import { useTranslation } from "react-i18next";
import { formatNumber } from "../../i18n/format";
import { Section } from "../../parts/Section";
import { Failed } from "../../parts/States";
import { dimensionQuery, type Of } from "./queries";
import type { StatsSearch } from "./search";
import { nameOf } from "./values";

const Shapes = lazy(() => import("./Shapes").then(({ Shapes }) => ({ default: Shapes })));

/** Where the clicks came from, as a map and as the list that it is drawn from. */
export function WorldMap({ of, search }: { of: Of; search: StatsSearch }) {
  const { t } = useTranslation();
  const stats = useQuery(dimensionQuery(of, search, "country"));
  const values = stats.data?.breakdowns.country ?? [];
  return (
    <Section title={t("stats.map")} hint={t("stats.mapHint")}>
      {stats.isLoadingError ? (
        <Failed error={stats.error} onRetry={stats.refetch} />
      ) : (
        <SimpleGrid cols={{ base: 1, md: 2 }} spacing="lg">
          <AspectRatio ratio={2}>
            <Suspense fallback={<Skeleton />}>
              <Shapes
                clicks={new Map(values.map((value) => [value.value, value.clicks]))}
                label={t("stats.mapLabel", { count: values.length, number: formatNumber(values.length) })}
              />
            </Suspense>
          </AspectRatio>
          {values.length === 0 ? (
            <Text c="dimmed">{stats.isPending ? t("state.waiting") : t("stats.nothing")}</Text>
          ) : (
            <ScrollArea.Autosize mah={280} viewportProps={{ tabIndex: 0, "aria-label": t("stats.map") }}>
              <Table>
                <Table.Thead>
                  <Table.Tr>
                    <Table.Th scope="col">{t("stats.dimensions.country")}</Table.Th>
                    <Table.Th scope="col" ta="end">
                      {t("stats.clicks")}
                    </Table.Th>
                  </Table.Tr>
                </Table.Thead>
                <Table.Tbody>
                  {values.map((value) => (
                    <Table.Tr key={value.value}>
                      <Table.Td>{nameOf("country", value.value)}</Table.Td>
                      <Table.Td ta="end">{formatNumber(value.clicks)}</Table.Td>
                    </Table.Tr>
                  ))}
                </Table.Tbody>
              </Table>
            </ScrollArea.Autosize>
          )}
        </SimpleGrid>
      )}
    </Section>
  );
}

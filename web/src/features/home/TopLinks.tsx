import { Anchor, Group, SegmentedControl, Skeleton, Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { formatNumber } from "../../i18n/format";
import { Section } from "../../parts/Section";
import { Failed } from "../../parts/States";
import { nameOf, ShortName } from "../links/ShortName";
import { SPAN, type Span, TOP, topQuery } from "./queries";

const SPANS: Span[] = ["today", "week", "ever"];

/** The links that are clicked most: by people in the last days, or by everybody since they were made. */
export function TopLinks() {
  const { t } = useTranslation();
  const [span, setSpan] = useState(SPAN);
  const top = useQuery(topQuery(span));
  return (
    <Section
      title={t("home.top")}
      hint={t(`home.topHints.${span}`)}
      actions={
        <SegmentedControl
          size="xs"
          aria-label={t("home.topSpan")}
          data={SPANS.map((value) => ({ value, label: t(`home.topSpans.${value}`) }))}
          value={span}
          onChange={(value) => setSpan(value as Span)}
        />
      }
    >
      {top.isPending ? (
        <Skeleton height={28 * TOP} role="status" aria-label={t("state.waiting")} />
      ) : top.isLoadingError ? (
        <Failed error={top.error} onRetry={top.refetch} />
      ) : top.data.items.length === 0 ? (
        <Text c="dimmed">{t("home.noClicks")}</Text>
      ) : (
        <Stack component="ol" gap="xs" p={0} m={0} style={{ listStyle: "none" }}>
          {top.data.items.map((link) => (
            <Group key={`${link.domain}/${link.slug}`} component="li" justify="space-between" wrap="nowrap">
              <Group gap="xs" wrap="nowrap" miw={0}>
                <Anchor
                  truncate
                  aria-label={nameOf(link.short_url)}
                  renderRoot={(props) => (
                    <Link
                      to="/app/links/$slug"
                      params={{ slug: link.slug }}
                      search={{ domain: link.domain }}
                      {...props}
                    />
                  )}
                >
                  <ShortName url={link.short_url} />
                </Anchor>
                {link.title && (
                  <Text size="sm" c="dimmed" truncate visibleFrom="xs">
                    {link.title}
                  </Text>
                )}
              </Group>
              <Text size="sm" style={{ whiteSpace: "nowrap", fontVariantNumeric: "tabular-nums" }}>
                {t("links.clicks", { count: link.clicks, number: formatNumber(link.clicks) })}
              </Text>
            </Group>
          ))}
        </Stack>
      )}
      {top.data && !top.data.complete && (
        <Text size="sm" c="dimmed" mt="sm">
          {t("home.topIncomplete")}
        </Text>
      )}
    </Section>
  );
}

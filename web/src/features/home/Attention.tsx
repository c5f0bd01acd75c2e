import { Anchor, Badge, Group, Stack } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { Section } from "../../parts/Section";
import { keyOf, linksQuery } from "../links/queries";

const FEW = 5;

/** Links that people who follow them do not get through any more, the last changed first; nothing where all is well. */
export function Attention() {
  const { t } = useTranslation();
  const expired = useInfiniteQuery(linksQuery({ state: "expired", sort: "-clicks" }, FEW));
  const exhausted = useInfiniteQuery(linksQuery({ state: "exhausted", sort: "-clicks" }, FEW));
  const items = [...(exhausted.data?.pages[0]?.items ?? []), ...(expired.data?.pages[0]?.items ?? [])]
    .sort((one, other) => other.clicks - one.clicks)
    .slice(0, FEW);
  if (items.length === 0) return null;
  return (
    <Section title={t("home.attention")} hint={t("home.attentionHint")}>
      <Stack component="ul" gap="xs" p={0} m={0} style={{ listStyle: "none" }}>
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
            <Badge variant="default">{t(`links.states.${link.state}`)}</Badge>
          </Group>
        ))}
      </Stack>
    </Section>
  );
}

import { Anchor, Group, Skeleton, Stack, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { Section } from "../../parts/Section";
import { Failed } from "../../parts/States";
import { keyOf } from "../links/queries";
import { Concern } from "./Concern";
import { attentionQuery } from "./queries";

const STATES = { banned: "banned", used_up: "exhausted", expired: "expired" } as const;

/** Links that somebody should look at, each with what can be done about it. */
export function Attention() {
  const { t } = useTranslation();
  const attention = useQuery(attentionQuery);
  return (
    <Section title={t("attention.title")}>
      {attention.isPending ? (
        <Skeleton height={24} role="status" aria-label={t("state.waiting")} />
      ) : attention.isLoadingError ? (
        <Failed error={attention.error} onRetry={attention.refetch} />
      ) : attention.data.items.length === 0 ? (
        <Text c="dimmed">{t("attention.none")}</Text>
      ) : (
        <Stack component="ul" gap="sm" p={0} m={0} style={{ listStyle: "none" }}>
          {attention.data.items.map((concern) => (
            <Concern key={keyOf(concern.link)} concern={concern} />
          ))}
        </Stack>
      )}
      {attention.data && (attention.data.more.length > 0 || !attention.data.complete) && (
        <Group gap="md" mt="sm">
          {!attention.data.complete && (
            <Text size="sm" c="dimmed">
              {t("attention.incomplete")}
            </Text>
          )}
          {attention.data.more.map((trouble) =>
            trouble === "expires_soon" ? (
              <Text key={trouble} size="sm" c="dimmed">
                {t("attention.moreSoon")}
              </Text>
            ) : (
              <Anchor
                key={trouble}
                size="sm"
                renderRoot={(props) =>
                  trouble === "broken" ? (
                    <Link to="/app/broken" {...props} />
                  ) : (
                    <Link to="/app/links" search={{ state: STATES[trouble] }} {...props} />
                  )
                }
              >
                {t(`attention.all.${trouble}`)}
              </Anchor>
            ),
          )}
        </Group>
      )}
    </Section>
  );
}

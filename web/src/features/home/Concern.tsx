import { Anchor, Button, Group, Stack, Text } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { TFunction } from "i18next";
import { useTranslation } from "react-i18next";
import type { ConcernOut } from "../../api/generated";
import { formatAgo, formatNumber } from "../../i18n/format";
import { messageOf } from "../../parts/States";
import { tellFailure } from "../../parts/undo";
import { useMay } from "../auth/useMay";
import { sentenceOf } from "../checks/said";
import { change } from "../links/bulk";
import { edit } from "../links/editor";
import { nameOf, ShortName } from "../links/ShortName";
import { useUndo } from "../links/useUndo";

/** A link that somebody should look at. */
export function Concern({ concern }: { concern: ConcernOut }) {
  const { t } = useTranslation();
  const { link, reason } = concern;
  return (
    <Group component="li" justify="space-between" gap="xs">
      <Stack gap={0} miw={0} style={{ flex: "1 1 14rem" }}>
        <Anchor
          fw={600}
          truncate
          aria-label={nameOf(link.short_url)}
          renderRoot={(props) => (
            <Link to="/app/links/$slug" params={{ slug: link.slug }} search={{ domain: link.domain }} {...props} />
          )}
        >
          <ShortName url={link.short_url} />
        </Anchor>
        <Text size="sm" c="dimmed" style={{ overflowWrap: "anywhere" }}>
          {whatIsTheMatter(concern, t)}
        </Text>
      </Stack>
      {reason === "banned" ? <AboutBan /> : <Cure concern={concern} />}
    </Group>
  );
}

/** A ban is lifted by those who decide on reports. */
function AboutBan() {
  const { t } = useTranslation();
  if (!useMay("reports:read")) {
    return (
      <Text size="sm" c="dimmed">
        {t("attention.askAdmin")}
      </Text>
    );
  }
  return (
    <Button
      size="compact-sm"
      variant="default"
      renderRoot={(props) => <Link to="/app/reports" search={{}} {...props} />}
    >
      {t("attention.reports")}
    </Button>
  );
}

function Cure({ concern: { link, reason } }: { concern: ConcernOut }) {
  const { t } = useTranslation();
  const offerUndo = useUndo();
  const archiving = useMutation({
    mutationFn: () => change([link], () => ({ archived: true })),
    onSuccess: (done) => offerUndo(t("attention.archived", { url: nameOf(link.short_url) }), done.undo),
    onError: (error) => tellFailure(messageOf(error)),
  });
  if (!useMay("links:write")) return null;
  const cure = reason === "broken" ? "mend" : reason === "used_up" || reason === "nearly_used_up" ? "raise" : "extend";
  return (
    <Group gap="xs">
      {reason !== "expires_soon" && reason !== "nearly_used_up" && (
        <Button
          size="compact-sm"
          variant="subtle"
          loading={archiving.isPending}
          onClick={() => archiving.mutate()}
          aria-label={t("attention.archiveOf", { url: nameOf(link.short_url) })}
        >
          {t("links.archive")}
        </Button>
      )}
      <Button
        size="compact-sm"
        variant="default"
        onClick={() => edit({ kind: "edit", slug: link.slug, domain: link.domain })}
        aria-label={t(`attention.${cure}Of`, { url: nameOf(link.short_url) })}
      >
        {t(`attention.${cure}`)}
      </Button>
    </Group>
  );
}

function whatIsTheMatter({ link, reason, taken, trouble }: ConcernOut, t: TFunction): string {
  switch (reason) {
    case "broken":
      return trouble ? t("attention.broken", { what: sentenceOf(trouble, t), when: formatAgo(trouble.since) }) : "";
    case "banned":
      return link.ban?.reason ? t("attention.bannedFor", { reason: link.ban.reason }) : t("attention.banned");
    case "expired":
      return t("attention.expired", { when: formatAgo(link.expires_at ?? "") });
    case "expires_soon":
      return t("attention.expiresSoon", { when: formatAgo(link.expires_at ?? "") });
    default:
      return t(`attention.${reason === "used_up" ? "usedUp" : "nearlyUsedUp"}`, {
        taken: formatNumber(taken ?? 0),
        most: formatNumber(link.max_clicks ?? 0),
      });
  }
}

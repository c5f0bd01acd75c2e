import { Anchor, Badge, Button, Group, Skeleton, Stack, Text } from "@mantine/core";
import { IconPencil, IconShare } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { getRouteApi } from "@tanstack/react-router";
import { lazy, Suspense, useState } from "react";
import { useTranslation } from "react-i18next";
import { Screen } from "../../parts/Screen";
import { Failed } from "../../parts/States";
import { useMay } from "../auth/useMay";
import { TargetCheck } from "../checks/TargetCheck";
import { CopyLink } from "../links/CopyLink";
import { edit } from "../links/editor";
import { nameOf, ShortName } from "../links/ShortName";
import { ExportMenu } from "./ExportMenu";
import { linkQuery } from "./queries";
import { Statistics } from "./Statistics";

const ShareDialog = lazy(() => import("./ShareDialog").then((module) => ({ default: module.ShareDialog })));
const route = getRouteApi("/inside/app/links/$slug");

/** One link: where it leads, how it stands, and its statistics. */
export function LinkScreen() {
  const { t } = useTranslation();
  const { slug } = route.useParams();
  const { domain, ...search } = route.useSearch();
  const navigate = route.useNavigate();
  const link = useQuery(linkQuery(slug, domain));
  const mayShare = useMay("stats:share");
  const mayEdit = useMay("links:write");
  const [sharing, setSharing] = useState(false);
  const of = { slug, domain };
  return (
    <Screen
      title={link.data?.title || `/${slug}`}
      actions={
        <Group gap="xs">
          {mayEdit && link.data && (
            <Button
              variant="default"
              leftSection={<IconPencil size={16} aria-hidden />}
              aria-haspopup="dialog"
              onClick={() => edit({ kind: "edit", slug: link.data.slug, domain: link.data.domain })}
            >
              {t("links.edit")}
            </Button>
          )}
          {mayShare && (
            <Button
              variant="default"
              leftSection={<IconShare size={16} aria-hidden />}
              aria-haspopup="dialog"
              onClick={() => setSharing(true)}
            >
              {t("share.button")}
            </Button>
          )}
          <ExportMenu of={of} search={search} />
        </Group>
      }
    >
      {sharing && (
        <Suspense>
          <ShareDialog of={of} onClose={() => setSharing(false)} />
        </Suspense>
      )}
      {link.isPending ? (
        <Skeleton height={56} />
      ) : link.isLoadingError ? (
        <Failed error={link.error} onRetry={link.refetch} />
      ) : (
        <>
          <Stack gap={2}>
            <Group gap={4} wrap="nowrap">
              <Anchor
                href={link.data.short_url}
                target="_blank"
                rel="noreferrer"
                fw={600}
                truncate
                aria-label={nameOf(link.data.short_url)}
              >
                <ShortName url={link.data.short_url} />
              </Anchor>
              <CopyLink url={link.data.short_url} />
              <Badge
                color={link.data.state === "active" ? "green" : "gray"}
                variant="light"
                style={{ flexShrink: 0 }}
                styles={{ label: { color: "var(--mantine-color-text)" } }}
              >
                {t(`links.states.${link.data.state}`)}
              </Badge>
            </Group>
            <Text size="sm" c="dimmed" style={{ overflowWrap: "anywhere" }}>
              {link.data.target}
            </Text>
            <TargetCheck key={link.data.target} link={link.data} />
          </Stack>
          <Statistics
            of={of}
            search={search}
            onChange={(changes) => navigate({ search: (was) => ({ ...was, ...changes }), replace: false })}
          />
        </>
      )}
    </Screen>
  );
}

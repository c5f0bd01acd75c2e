import { ActionIcon, Anchor, Badge, Checkbox, Group, Popover, Skeleton, Stack, Text, Tooltip } from "@mantine/core";
import { IconLock, IconPencil, IconQrcode } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import { lazy, Suspense, useState } from "react";
import { useTranslation } from "react-i18next";
import type { LinkOut } from "../../api/generated";
import { formatAgo, formatNumber } from "../../i18n/format";
import { CopyLink } from "./CopyLink";
import { edit } from "./editor";
import { nameOf, ShortName } from "./ShortName";

const QrDesigner = lazy(() => import("./QrDesigner").then((module) => ({ default: module.QrDesigner })));

export const ROW = 72;

/** One link of the list: what it is, how it does, and what can be done with it at once. */
export function LinkRow({ link, chosen, onChoose, mayEdit }: LinkRowProps) {
  const { t } = useTranslation();
  const name = nameOf(link.short_url);
  return (
    <Group h={ROW} wrap="nowrap" px="xs" gap="sm">
      {mayEdit && (
        <Checkbox
          checked={chosen}
          onChange={onChoose}
          tabIndex={0}
          aria-label={t("links.choose", { url: name })}
          styles={{ body: { minWidth: 24, minHeight: 24, alignItems: "center" } }}
        />
      )}
      <Stack gap={2} miw={0} style={{ flex: 1 }}>
        <Group gap={6} wrap="nowrap">
          <Anchor
            fw={600}
            truncate
            aria-label={name}
            renderRoot={(props) => (
              <Link
                to="/app/links/$slug"
                params={{ slug: link.slug }}
                search={link.domain ? { domain: link.domain } : {}}
                {...props}
              />
            )}
          >
            <ShortName url={link.short_url} />
          </Anchor>
          {link.has_password && (
            <Tooltip label={t("links.hasPassword")}>
              <IconLock role="img" aria-label={t("links.hasPassword")} size={16} style={{ flexShrink: 0 }} />
            </Tooltip>
          )}
          {link.state !== "active" && (
            <Badge variant="light" color={link.state === "banned" ? "red" : "gray"} style={{ flexShrink: 0 }}>
              {t(`links.states.${link.state}`)}
            </Badge>
          )}
          <Group gap={4} wrap="nowrap" visibleFrom="md" style={{ overflow: "hidden" }}>
            {link.tags.slice(0, 3).map((tag) => (
              <Badge key={tag} variant="default" tt="none" fw={500}>
                {tag}
              </Badge>
            ))}
          </Group>
        </Group>
        <Text size="sm" c="dimmed" truncate>
          {link.title || link.target}
        </Text>
      </Stack>
      <Stack gap={0} align="flex-end" visibleFrom="xs" style={{ flexShrink: 0 }}>
        <Text size="sm">{t("links.clicks", { count: link.clicks, number: formatNumber(link.clicks) })}</Text>
        <Text size="xs" c="dimmed">
          {formatAgo(link.created_at)}
        </Text>
      </Stack>
      <Group gap={2} wrap="nowrap" style={{ flexShrink: 0 }}>
        <CopyLink url={link.short_url} />
        <ShowQr link={link} name={name} />
        {mayEdit && (
          <Tooltip label={t("links.edit")}>
            <ActionIcon
              variant="subtle"
              aria-label={t("links.editOf", { url: name })}
              onClick={() => edit({ kind: "edit", slug: link.slug, domain: link.domain })}
            >
              <IconPencil size={16} aria-hidden />
            </ActionIcon>
          </Tooltip>
        )}
      </Group>
    </Group>
  );
}

function ShowQr({ link, name }: { link: LinkOut; name: string }) {
  const { t } = useTranslation();
  const [opened, setOpened] = useState(false);
  return (
    <Popover opened={opened} onChange={setOpened} width={260} withArrow shadow="md" trapFocus withinPortal>
      <Popover.Target>
        <ActionIcon variant="subtle" aria-label={t("links.qrOf", { url: name })} onClick={() => setOpened((on) => !on)}>
          <IconQrcode size={16} aria-hidden />
        </ActionIcon>
      </Popover.Target>
      <Popover.Dropdown aria-label={t("links.qrOf", { url: name })}>
        <Suspense fallback={<Skeleton height={250} role="status" aria-label={t("state.waiting")} />}>
          <QrDesigner link={link} plain />
        </Suspense>
      </Popover.Dropdown>
    </Popover>
  );
}

interface LinkRowProps {
  link: LinkOut;
  chosen: boolean;
  onChoose: () => void;
  mayEdit: boolean;
}

import { Anchor, Button, Group, Modal, NativeSelect, Stack, Text } from "@mantine/core";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { type ShareOut, shareStats, unshareStats } from "../../api/generated";
import { unwrap } from "../../api/http";
import { formatMoment } from "../../i18n/format";
import { Confirm } from "../../parts/Confirm";
import { Refusal } from "../../parts/Refusal";
import { Failed, Waiting } from "../../parts/States";
import { CopyLink } from "../links/CopyLink";
import type { Of } from "./queries";
import { shareQuery } from "./share";

const DAY_MS = 86_400_000;
const DAYS = ["7", "30", "90", ""];

interface ShareProps {
  of: NonNullable<Of>;
  onClose: () => void;
}

/** Whether a link's statistics are a page for everybody, at which address and how long. */
export function ShareDialog({ of, onClose }: ShareProps) {
  const { t } = useTranslation();
  const share = useQuery(shareQuery(of));
  return (
    <Modal opened onClose={onClose} title={t("share.title")} size="lg" centered>
      {share.isPending ? (
        <Waiting label={t("state.waiting")} />
      ) : share.isError ? (
        <Failed error={share.error} onRetry={share.refetch} />
      ) : share.data ? (
        <Shared of={of} share={share.data} />
      ) : (
        <NotShared of={of} />
      )}
    </Modal>
  );
}

function NotShared({ of }: { of: NonNullable<Of> }) {
  const { t } = useTranslation();
  const [days, setDays] = useState("30");
  const { sharing } = useSharing(of);
  return (
    <Stack>
      <Text size="sm">{t("share.hint")}</Text>
      <Refusal error={sharing.error} />
      <Lifetime days={days} onChange={setDays} />
      <Group justify="flex-end">
        <Button loading={sharing.isPending} onClick={() => sharing.mutate(days)} data-autofocus>
          {t("share.begin")}
        </Button>
      </Group>
    </Stack>
  );
}

function Shared({ of, share }: { of: NonNullable<Of>; share: ShareOut }) {
  const { t } = useTranslation();
  const [ending, setEnding] = useState(false);
  const [days, setDays] = useState("30");
  const { sharing, unsharing } = useSharing(of);
  return (
    <Stack>
      <Group gap={4} wrap="nowrap">
        <Anchor href={share.url} target="_blank" rel="noreferrer" style={{ overflowWrap: "anywhere" }}>
          {share.url}
        </Anchor>
        <CopyLink url={share.url} />
      </Group>
      <Text size="sm" c="dimmed" role="status">
        {share.expires_at ? t("share.until", { when: formatMoment(share.expires_at) }) : t("share.forEver")}
      </Text>
      <Refusal error={sharing.error ?? unsharing.error} />
      <Group align="flex-end">
        <Lifetime days={days} onChange={setDays} />
        <Button variant="default" loading={sharing.isPending} onClick={() => sharing.mutate(days)}>
          {t("share.change")}
        </Button>
      </Group>
      <Group justify="flex-end">
        <Button color="red" variant="light" onClick={() => setEnding(true)}>
          {t("share.end")}
        </Button>
      </Group>
      <Confirm
        opened={ending}
        title={t("share.endTitle")}
        action={t("share.end")}
        busy={unsharing.isPending}
        onClose={() => setEnding(false)}
        onConfirm={() => unsharing.mutate()}
      >
        {t("share.endHint")}
      </Confirm>
    </Stack>
  );
}

function Lifetime({ days, onChange }: { days: string; onChange: (days: string) => void }) {
  const { t } = useTranslation();
  return (
    <NativeSelect
      label={t("share.lifetime")}
      data={DAYS.map((value) => ({
        value,
        label: value ? t("keys.days", { count: Number(value) }) : t("share.unlimited"),
      }))}
      value={days}
      onChange={(event) => onChange(event.currentTarget.value)}
    />
  );
}

function useSharing(of: NonNullable<Of>) {
  const cache = useQueryClient();
  const address = { path: { slug: of.slug }, query: { domain: of.domain } };
  const known = (share: ShareOut | null) => cache.setQueryData(shareQuery(of).queryKey, share);
  const sharing = useMutation({
    mutationFn: (days: string) => {
      const expires_at = days ? new Date(Date.now() + Number(days) * DAY_MS).toISOString() : null;
      return unwrap(shareStats({ ...address, body: { expires_at } }));
    },
    onSuccess: known,
  });
  const unsharing = useMutation({
    mutationFn: () => unwrap(unshareStats(address)),
    onSuccess: () => known(null),
  });
  return { sharing, unsharing };
}

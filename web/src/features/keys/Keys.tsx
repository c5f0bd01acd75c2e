import { Alert, Badge, Button, Code, Group, Modal, Select, Stack, Text } from "@mantine/core";
import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { type KeyOut, type MadeKey, revokeKey, rotateKey } from "../../api/generated";
import { unwrap } from "../../api/http";
import { tellDone } from "../../parts/announce";
import { Confirm } from "../../parts/Confirm";
import { More } from "../../parts/More";
import { Refusal, tellRefusal } from "../../parts/Refusal";
import { Row, Rows } from "../../parts/Rows";
import { Screen } from "../../parts/Screen";
import { ShownOnce } from "../../parts/ShownOnce";
import { Empty, Failed, Waiting } from "../../parts/States";
import { When } from "../../parts/When";
import { meQuery } from "../auth/queries";
import { NewKey } from "./NewKey";
import { keysQuery, SCOPES } from "./queries";

/** The workspace's API keys: made, given another secret, revoked. */
export function Keys() {
  const { t } = useTranslation();
  const cache = useQueryClient();
  const keys = useInfiniteQuery(keysQuery);
  const [making, setMaking] = useState(false);
  const [made, setMade] = useState<MadeKey | null>(null);
  const [rotated, setRotated] = useState<KeyOut | null>(null);
  const [revoked, setRevoked] = useState<KeyOut | null>(null);
  const refresh = () => cache.invalidateQueries({ queryKey: keysQuery.queryKey });
  async function show(key: MadeKey) {
    setMaking(false);
    setRotated(null);
    setMade(key);
    await refresh();
  }
  const revoking = useMutation({
    mutationFn: (id: number) => unwrap(revokeKey({ path: { key_id: id } })),
    onSuccess: tellDone,
    onError: tellRefusal,
    onSettled: async () => {
      setRevoked(null);
      await refresh();
    },
  });
  const items = keys.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <Screen
      title={t("nav.keys")}
      width={960}
      actions={<Button onClick={() => setMaking(true)}>{t("keys.new")}</Button>}
    >
      <div role="status">
        {made && (
          <Alert
            color="green"
            variant="light"
            title={t("keys.made", { name: made.name })}
            withCloseButton
            closeButtonLabel={t("keys.hide")}
            onClose={() => setMade(null)}
          >
            <ShownOnce label={t("keys.secret")} hint={t("keys.secretHint")} value={made.key} />
          </Alert>
        )}
      </div>
      {keys.isPending && <Waiting label={t("state.waiting")} />}
      {keys.isError && <Failed error={keys.error} onRetry={keys.refetch} />}
      {keys.isSuccess && items.length === 0 && (
        <Empty title={t("keys.none")}>
          <Text c="dimmed">{t("keys.noneHint")}</Text>
        </Empty>
      )}
      <Rows label={t("nav.keys")}>
        {items.map((key) => (
          <KeyRow key={key.id} of={key} onRotate={() => setRotated(key)} onRevoke={() => setRevoked(key)} />
        ))}
      </Rows>
      <More query={keys} />
      {making && <NewKey onClose={() => setMaking(false)} onMade={show} />}
      {rotated && <Rotate of={rotated} onClose={() => setRotated(null)} onRotated={show} />}
      <Confirm
        opened={revoked !== null}
        title={t("keys.revokeName", { name: revoked?.name })}
        action={t("keys.revoke")}
        onConfirm={() => revoked && revoking.mutate(revoked.id)}
        onClose={() => setRevoked(null)}
        busy={revoking.isPending}
      >
        {t("keys.revokeHint")}
      </Confirm>
    </Screen>
  );
}

function KeyRow({ of: key, onRotate, onRevoke }: { of: KeyOut; onRotate: () => void; onRevoke: () => void }) {
  const { t } = useTranslation();
  const me = useQuery(meQuery).data;
  const mayRotate = me?.user?.id === key.user_id || me?.permissions.includes("installation");
  const expired = key.expires_at !== null && new Date(key.expires_at) <= new Date();
  return (
    <Row
      title={key.name}
      badges={
        <>
          <Code>{key.hint}…</Code>
          {key.revoked_at && <Badge color="red">{t("keys.revoked")}</Badge>}
          {!key.revoked_at && expired && <Badge color="orange">{t("keys.expired")}</Badge>}
        </>
      }
      actions={
        !key.revoked_at && (
          <>
            {mayRotate && (
              <Button variant="default" onClick={onRotate}>
                {t("keys.rotate")}
              </Button>
            )}
            <Button variant="light" color="red" onClick={onRevoke}>
              {t("keys.revoke")}
            </Button>
          </>
        )
      }
    >
      <Group gap={6} my={2}>
        {SCOPES.filter(({ scope }) => key.scopes.includes(scope)).map(({ scope, text }) => (
          <Badge key={scope} variant="default" tt="none" fw={400}>
            {t(text)}
          </Badge>
        ))}
        {key.installation && <Badge variant="light">{t("keys.installation")}</Badge>}
        {key.only_domain !== null && (
          <Badge variant="light" tt="none">
            {t("keys.onlyDomainIs", { domain: key.only_domain })}
          </Badge>
        )}
        {key.only_tag !== null && (
          <Badge variant="light" tt="none">
            {t("keys.onlyTagIs", { tag: key.only_tag })}
          </Badge>
        )}
        {key.only_own && (
          <Badge variant="light" tt="none">
            {t("keys.onlyOwn")}
          </Badge>
        )}
      </Group>
      {t("keys.lastUsed")} {key.last_used_at ? <When at={key.last_used_at} /> : t("people.never")}
      {key.expires_at && (
        <>
          {" · "}
          {t("keys.expires")} <When at={key.expires_at} />
        </>
      )}
    </Row>
  );
}

function Rotate({ of: key, onClose, onRotated }: RotateProps) {
  const { t } = useTranslation();
  const [hours, setHours] = useState("24");
  const rotating = useMutation({
    mutationFn: () => unwrap(rotateKey({ path: { key_id: key.id }, body: { overlap_s: Number(hours) * 3600 } })),
    onSuccess: onRotated,
  });
  return (
    <Modal opened onClose={onClose} title={t("keys.rotateName", { name: key.name })} centered>
      <Stack>
        <Refusal error={rotating.error} />
        <Select
          label={t("keys.overlap")}
          description={t("keys.overlapHint")}
          allowDeselect={false}
          data={OVERLAPS.map((value) => ({
            value,
            label: value === "0" ? t("keys.atOnce") : t("keys.hours", { count: Number(value) }),
          }))}
          value={hours}
          onChange={(value) => value && setHours(value)}
        />
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            {t("state.cancel")}
          </Button>
          <Button onClick={() => rotating.mutate()} loading={rotating.isPending}>
            {t("keys.rotate")}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}

const OVERLAPS = ["0", "1", "8", "24"];

interface RotateProps {
  of: KeyOut;
  onClose: () => void;
  onRotated: (key: MadeKey) => Promise<void>;
}

import { Badge, Button, Group, Modal, Stack, Text, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import {
  browserSupportsWebAuthn,
  type PublicKeyCredentialCreationOptionsJSON,
  startRegistration,
} from "@simplewebauthn/browser";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import {
  addPasskey,
  type NewCredential,
  type PasskeyOut,
  removePasskey,
  renamePasskey,
  startPasskey,
} from "../../api/generated";
import { unwrap } from "../../api/http";
import { Problem } from "../../api/problem";
import { Refusal } from "../../parts/Refusal";
import { Row, Rows } from "../../parts/Rows";
import { Section } from "../../parts/Section";
import { Failed, Waiting } from "../../parts/States";
import { When } from "../../parts/When";
import { methodsQuery } from "../auth/queries";
import { Prove } from "./Prove";
import { passkeysQuery } from "./queries";

/** One's own passkeys: made, called otherwise, done without. */
export function PasskeysSection({ onAdded }: { onAdded?: () => void }) {
  const { t } = useTranslation();
  const cache = useQueryClient();
  const methods = useQuery(methodsQuery);
  const passkeys = useQuery(passkeysQuery);
  const [adding, setAdding] = useState(false);
  const [renamed, setRenamed] = useState<PasskeyOut | null>(null);
  const [removed, setRemoved] = useState<PasskeyOut | null>(null);
  const refresh = () => cache.invalidateQueries({ queryKey: ["security"] });
  const possible = methods.data?.passkeys && browserSupportsWebAuthn();
  return (
    <Section
      title={t("security.passkeys")}
      hint={methods.data && !possible ? t("security.passkeysImpossible") : t("security.passkeysHint")}
      actions={possible && <Button onClick={() => setAdding(true)}>{t("security.addPasskey")}</Button>}
    >
      {passkeys.isPending && <Waiting label={t("state.waiting")} height={60} />}
      {passkeys.isError && <Failed error={passkeys.error} onRetry={passkeys.refetch} />}
      {passkeys.data?.length === 0 && (
        <Text size="sm" c="dimmed">
          {t("security.noPasskeys")}
        </Text>
      )}
      {passkeys.data && passkeys.data.length > 0 && (
        <Rows label={t("security.passkeys")}>
          {passkeys.data.map((passkey) => (
            <Row
              key={passkey.id}
              title={passkey.name}
              badges={passkey.backed_up && <Badge variant="light">{t("security.backedUp")}</Badge>}
              actions={
                <>
                  <Button size="compact-sm" variant="default" onClick={() => setRenamed(passkey)}>
                    {t("security.rename")}
                  </Button>
                  <Button size="compact-sm" variant="light" color="red" onClick={() => setRemoved(passkey)}>
                    {t("security.remove")}
                  </Button>
                </>
              }
            >
              {t("security.made")} <When at={passkey.created_at} />
              {passkey.used_at && (
                <>
                  {" · "}
                  {t("security.used")} <When at={passkey.used_at} />
                </>
              )}
            </Row>
          ))}
        </Rows>
      )}
      <Prove
        opened={adding}
        title={t("security.addPasskey")}
        action={t("security.goOn")}
        onClose={() => setAdding(false)}
        onProven={async (password) => {
          await make(password, t("security.newPasskey"), t("security.passkeyNotMade"));
          await Promise.all([refresh(), cache.invalidateQueries({ queryKey: ["me"] })]);
          onAdded?.();
        }}
      >
        {t("security.addPasskeyHint")}
      </Prove>
      <Prove
        opened={removed !== null}
        title={t("security.removePasskey", { name: removed?.name ?? "" })}
        action={t("security.remove")}
        danger
        onClose={() => setRemoved(null)}
        onProven={async (password) => {
          if (removed) await unwrap(removePasskey({ path: { passkey_id: removed.id }, body: { password } }));
          await refresh();
        }}
      >
        {t("security.removeFactorHint")}
      </Prove>
      {renamed && <Rename passkey={renamed} onClose={() => setRenamed(null)} onRenamed={refresh} />}
    </Section>
  );
}

/** Let the device make a passkey, and keep it. */
async function make(password: string | null, name: string, failed: string) {
  const { publicKey } = await unwrap(startPasskey({ body: { password } }));
  const optionsJSON = publicKey as unknown as PublicKeyCredentialCreationOptionsJSON;
  const credential = await startRegistration({ optionsJSON }).catch(() => {
    throw new Problem("passkey_not_made", 0, failed);
  });
  await unwrap(addPasskey({ body: { name, credential: credential as unknown as NewCredential } }));
}

function Rename({ passkey, onClose, onRenamed }: RenameProps) {
  const { t } = useTranslation();
  const form = useForm({ initialValues: { name: passkey.name } });
  const renaming = useMutation({
    mutationFn: (body: typeof form.values) => unwrap(renamePasskey({ path: { passkey_id: passkey.id }, body })),
    onSuccess: async () => {
      await onRenamed();
      onClose();
    },
  });
  return (
    <Modal opened onClose={onClose} title={t("security.renamePasskey")} centered>
      <form onSubmit={form.onSubmit((values) => renaming.mutate(values))}>
        <Stack>
          <Refusal error={renaming.error} />
          <TextInput label={t("security.passkeyName")} required data-autofocus {...form.getInputProps("name")} />
          <Group justify="flex-end">
            <Button type="submit" loading={renaming.isPending}>
              {t("security.save")}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}

interface RenameProps {
  passkey: PasskeyOut;
  onClose: () => void;
  onRenamed: () => Promise<unknown>;
}

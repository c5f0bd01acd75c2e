import { Badge, Button, Group, Stack, Text, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { confirmTotp, disableTotp, renewRecoveryCodes, startTotp, type TotpStart } from "../../api/generated";
import { unwrap } from "../../api/http";
import { Refusal } from "../../parts/Refusal";
import { Section } from "../../parts/Section";
import { ShownOnce } from "../../parts/ShownOnce";
import { Failed, Waiting } from "../../parts/States";
import { Prove } from "./Prove";
import { QrCode } from "./QrCode";
import { totpQuery } from "./queries";
import { RecoveryCodes } from "./RecoveryCodes";

/** The authenticator app: set up, recovery codes made anew, done without. */
export function AppSection({ onAdded }: { onAdded?: () => void }) {
  const { t } = useTranslation();
  const cache = useQueryClient();
  const totp = useQuery(totpQuery);
  const [asked, setAsked] = useState<"start" | "renew" | "disable" | null>(null);
  const [started, setStarted] = useState<TotpStart | null>(null);
  const [codes, setCodes] = useState<string[] | null>(null);
  const refresh = () => cache.invalidateQueries({ queryKey: ["security"] });
  async function kept() {
    setCodes(null);
    await Promise.all([refresh(), cache.invalidateQueries({ queryKey: ["me"] })]);
    onAdded?.();
  }
  const enabled = totp.data?.enabled;
  return (
    <Section
      title={t("security.app")}
      hint={t("security.appHint")}
      actions={
        totp.data && <Badge color={enabled ? "green" : "gray"}>{enabled ? t("security.on") : t("security.off")}</Badge>
      }
    >
      {totp.isPending && <Waiting label={t("state.waiting")} height={60} />}
      {totp.isError && <Failed error={totp.error} onRetry={totp.refetch} />}
      {enabled && (
        <Group>
          <Text size="sm">{t("security.codesLeft", { count: totp.data?.recovery_codes ?? 0 })}</Text>
          <Button variant="default" onClick={() => setAsked("renew")}>
            {t("security.renewCodes")}
          </Button>
          <Button variant="light" color="red" onClick={() => setAsked("disable")}>
            {t("security.removeApp")}
          </Button>
        </Group>
      )}
      {enabled === false && !started && <Button onClick={() => setAsked("start")}>{t("security.setUpApp")}</Button>}
      {enabled === false && started && (
        <Enrol started={started} onConfirmed={setCodes} onLeft={() => setStarted(null)} />
      )}
      {codes && <RecoveryCodes codes={codes} onKept={kept} />}
      <Prove
        opened={asked === "start"}
        title={t("security.setUpApp")}
        action={t("security.goOn")}
        onClose={() => setAsked(null)}
        onProven={async (password) => setStarted(await unwrap(startTotp({ body: { password } })))}
      />
      <Prove
        opened={asked === "renew"}
        title={t("security.renewCodes")}
        action={t("security.renewCodes")}
        onClose={() => setAsked(null)}
        onProven={async (password) =>
          setCodes((await unwrap(renewRecoveryCodes({ body: { password } }))).recovery_codes)
        }
      >
        {t("security.renewHint")}
      </Prove>
      <Prove
        opened={asked === "disable"}
        title={t("security.removeApp")}
        action={t("security.removeApp")}
        danger
        onClose={() => setAsked(null)}
        onProven={async (password) => {
          await unwrap(disableTotp({ body: { password } }));
          setStarted(null);
          await refresh();
        }}
      >
        {t("security.removeFactorHint")}
      </Prove>
    </Section>
  );
}

/** Two steps: the app gets the secret, and shows a code as proof. */
function Enrol({ started, onConfirmed, onLeft }: EnrolProps) {
  const { t } = useTranslation();
  const form = useForm({ initialValues: { code: "" } });
  const confirming = useMutation({
    mutationFn: ({ code }: typeof form.values) => unwrap(confirmTotp({ body: { code: code.replace(/\s/g, "") } })),
    onSuccess: (answer) => onConfirmed(answer.recovery_codes),
  });
  return (
    <form onSubmit={form.onSubmit((values) => confirming.mutate(values))}>
      <Group align="flex-start" gap="lg">
        <QrCode text={started.uri} label={t("security.qr")} />
        <Stack style={{ flex: "1 1 16rem" }}>
          <Text size="sm">{t("security.scan")}</Text>
          <ShownOnce label={t("security.secret")} value={started.secret} />
          <Refusal error={confirming.error} />
          <TextInput
            label={t("security.appCode")}
            autoComplete="one-time-code"
            inputMode="numeric"
            required
            autoFocus
            {...form.getInputProps("code")}
          />
          <Group gap="xs">
            <Button type="submit" loading={confirming.isPending}>
              {t("security.confirmApp")}
            </Button>
            <Button variant="default" onClick={onLeft}>
              {t("state.cancel")}
            </Button>
          </Group>
        </Stack>
      </Group>
    </form>
  );
}

interface EnrolProps {
  started: TotpStart;
  onConfirmed: (codes: string[]) => void;
  onLeft: () => void;
}

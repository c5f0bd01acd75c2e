import { Anchor, Badge, Button, Switch } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { IconPlus } from "@tabler/icons-react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { type DomainOut, removeDomain } from "../../api/generated";
import { unwrap } from "../../api/http";
import { Confirm } from "../../parts/Confirm";
import { tellRefusal } from "../../parts/Refusal";
import { Row, Rows } from "../../parts/Rows";
import { Screen } from "../../parts/Screen";
import { Section } from "../../parts/Section";
import { Failed, Waiting } from "../../parts/States";
import { When } from "../../parts/When";
import { useMay } from "../auth/useMay";
import { AssignDomain, NewDomain } from "./DomainForms";
import { DomainHelp } from "./DomainHelp";
import { deedsOf, domainsQuery } from "./queries";
import { useWorkspaceName } from "./workspaces";

/** The hosts that links live on: whose they are, one more, one less, and what a new one needs outside of here. */
export function DomainsScreen() {
  const { t } = useTranslation();
  const mayAll = useMay("installation");
  const [everywhere, setEverywhere] = useState(true);
  const [adding, setAdding] = useState(false);
  const domains = useQuery(domainsQuery(mayAll && everywhere));
  const usual = domains.data?.find((domain) => domain.default)?.host;
  return (
    <Screen
      title={t("nav.domains")}
      width={960}
      actions={
        mayAll && (
          <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => setAdding(true)}>
            {t("domains.add")}
          </Button>
        )
      }
    >
      <Section title={t("domains.served")} hint={t("domains.servedHint")}>
        {mayAll && (
          <Switch
            mb="sm"
            label={t("domains.everywhere")}
            checked={everywhere}
            onChange={(event) => setEverywhere(event.currentTarget.checked)}
          />
        )}
        {domains.isPending && <Waiting label={t("state.waiting")} height={80} />}
        {domains.isError && <Failed error={domains.error} onRetry={domains.refetch} />}
        {domains.data && (
          <Rows label={t("nav.domains")}>
            {domains.data.map((domain) => (
              <DomainRow key={domain.host} domain={domain} />
            ))}
          </Rows>
        )}
      </Section>
      {usual && <DomainHelp usual={usual} mayAdd={mayAll} />}
      {adding && <NewDomain onClose={() => setAdding(false)} />}
    </Screen>
  );
}

function DomainRow({ domain }: { domain: DomainOut }) {
  const { t } = useTranslation();
  const cache = useQueryClient();
  const deeds = deedsOf(domain, { all: useMay("installation"), own: useMay("domains:write") });
  const nameOf = useWorkspaceName();
  const [step, setStep] = useState<"assign" | "remove" | null>(null);
  const { host } = domain;
  const removing = useMutation({
    mutationFn: () => unwrap(removeDomain({ path: { host } })),
    onSuccess: () => notifications.show({ message: t("domains.removed", { host }) }),
    onError: tellRefusal,
    onSettled: async () => {
      setStep(null);
      await cache.invalidateQueries({ queryKey: ["domains"] });
    },
  });
  return (
    <Row
      title={
        <Anchor renderRoot={(props) => <Link to="/app/links" search={{ domain: host }} {...props} />}>{host}</Anchor>
      }
      badges={domain.default && <Badge variant="light">{t("domains.usual")}</Badge>}
      actions={
        <>
          {deeds.assign && (
            <Button variant="default" aria-label={t("domains.assignOf", { host })} onClick={() => setStep("assign")}>
              {t("domains.assign")}
            </Button>
          )}
          {deeds.remove && (
            <Button
              variant="light"
              color="red"
              aria-label={t("domains.removeOf", { host })}
              onClick={() => setStep("remove")}
            >
              {t("domains.remove")}
            </Button>
          )}
        </>
      }
    >
      {domain.workspace_id === null ? t("domains.everybody") : nameOf(domain.workspace_id)}
      {" · "}
      {domain.configured ? (
        t("domains.bySetting", { setting: domain.default ? "BASE_URL" : "EXTRA_DOMAINS" })
      ) : (
        <>
          {t("domains.added")} {domain.created_at && <When at={domain.created_at} />}
        </>
      )}
      {step === "assign" && <AssignDomain domain={domain} onClose={() => setStep(null)} />}
      <Confirm
        opened={step === "remove"}
        title={t("domains.removeTitle", { host })}
        action={t("domains.remove")}
        onConfirm={() => removing.mutate()}
        onClose={() => setStep(null)}
        busy={removing.isPending}
      >
        {t(domain.configured ? "domains.giveBackHint" : "domains.removeHint")}
      </Confirm>
    </Row>
  );
}

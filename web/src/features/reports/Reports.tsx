import { Badge, Button, Group, Modal, NativeSelect, SegmentedControl, Stack, Text, Textarea } from "@mantine/core";
import { useForm } from "@mantine/form";
import { notifications } from "@mantine/notifications";
import { useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { banLink, decideReport, type ReportOut } from "../../api/generated";
import { unwrap } from "../../api/http";
import { useAnnounced } from "../../parts/announce";
import { foundOf } from "../../parts/found";
import { More } from "../../parts/More";
import { Refusal } from "../../parts/Refusal";
import { Row, Rows } from "../../parts/Rows";
import { Screen } from "../../parts/Screen";
import { Empty, Failed, Waiting } from "../../parts/States";
import { When } from "../../parts/When";
import { reportsQuery, type State } from "./queries";

const STATES: State[] = ["open", "acted", "dismissed"];

/** Reports of abuse, to be decided one by one: the link is banned, or the report dismissed. */
export function Reports() {
  const { t } = useTranslation();
  const [state, setState] = useState<State>("open");
  const reports = useInfiniteQuery(reportsQuery(state));
  useAnnounced(state, foundOf(reports, t));
  const [decided, setDecided] = useState<Decision | null>(null);
  const items = reports.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <Screen title={t("nav.reports")} width={960}>
      <SegmentedControl
        aria-label={t("reports.state")}
        data={STATES.map((value) => ({ value, label: t(`reports.states.${value}`) }))}
        value={state}
        onChange={(value) => setState(value as State)}
      />
      {reports.isPending && <Waiting label={t("state.waiting")} />}
      {reports.isError && <Failed error={reports.error} onRetry={reports.refetch} />}
      {reports.isSuccess && items.length === 0 && <Empty title={t("reports.none")} />}
      <Rows label={t("nav.reports")}>
        {items.map((report) => (
          <Row
            key={report.id}
            title={report.short_url.replace(/^https?:\/\//, "")}
            badges={<Badge color="orange">{t(`reports.reasons.${report.reason}`)}</Badge>}
            actions={
              report.state === "open" && (
                <>
                  <Button color="red" onClick={() => setDecided({ report, ban: true })}>
                    {t("reports.ban")}
                  </Button>
                  <Button variant="default" onClick={() => setDecided({ report, ban: false })}>
                    {t("reports.dismiss")}
                  </Button>
                </>
              )
            }
          >
            {t("reports.target")} {report.target}
            {report.details && <Text c="var(--mantine-color-text)">{report.details}</Text>}
            {report.contact && <div>{t("reports.contact", { contact: report.contact })}</div>}
            <When at={report.created_at} />
            {report.note && <div>{t("reports.noted", { note: report.note })}</div>}
          </Row>
        ))}
      </Rows>
      <More query={reports} />
      {decided && <Decide {...decided} onClose={() => setDecided(null)} />}
    </Screen>
  );
}

interface Decision {
  report: ReportOut;
  ban: boolean;
}

function Decide({ report, ban, onClose }: Decision & { onClose: () => void }) {
  const { t } = useTranslation();
  const cache = useQueryClient();
  const form = useForm({ initialValues: { note: "", status: "410" } });
  const deciding = useMutation({
    mutationFn: async ({ note, status }: typeof form.values) => {
      if (ban) {
        const body = { reason: note, status: status === "451" ? (451 as const) : (410 as const) };
        await unwrap(banLink({ path: { slug: report.slug }, query: { domain: report.domain }, body }));
      }
      const state = ban ? ("acted" as const) : ("dismissed" as const);
      await unwrap(decideReport({ path: { report_id: report.id }, body: { state, note } }));
    },
    onSuccess: async () => {
      onClose();
      notifications.show({ message: t(ban ? "reports.banned" : "reports.dismissed") });
      await Promise.all([
        cache.invalidateQueries({ queryKey: ["reports"] }),
        cache.invalidateQueries({ queryKey: ["links"] }),
      ]);
    },
  });
  return (
    <Modal opened onClose={onClose} title={ban ? t("reports.ban") : t("reports.dismiss")} centered>
      <form onSubmit={form.onSubmit((values) => deciding.mutate(values))}>
        <Stack>
          <Refusal error={deciding.error} />
          <Text size="sm">{ban ? t("reports.banHint") : t("reports.dismissHint")}</Text>
          <Textarea
            label={t("reports.note")}
            required={ban}
            maxLength={500}
            data-autofocus
            {...form.getInputProps("note")}
          />
          {ban && (
            <NativeSelect
              label={t("reports.status")}
              data={[
                { value: "410", label: t("reports.gone") },
                { value: "451", label: t("reports.legal") },
              ]}
              {...form.getInputProps("status")}
            />
          )}
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              {t("state.cancel")}
            </Button>
            <Button type="submit" color={ban ? "red" : undefined} loading={deciding.isPending}>
              {ban ? t("reports.ban") : t("reports.dismiss")}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}

import {
  Alert,
  Badge,
  Button,
  FileInput,
  Group,
  Progress,
  Select,
  SimpleGrid,
  Stack,
  Table,
  Text,
} from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { ImportedOut, NewLink } from "../../api/generated";
import { formatNumber } from "../../i18n/format";
import { messageOf } from "../../parts/States";
import { refreshLinks } from "../links/queries";
import { FIELDS, type Field, guessMapping, linkOf, type Mapping, readJson } from "./rows";
import { type Existing, OUTCOMES, send, tally } from "./send";

const SHOWN = 100;

interface Read {
  records: Record<string, string>[];
  /** Rows of JSON, which have fields and no columns. */
  rows?: NewLink[];
  headers: string[];
}

/** A file, what its columns mean, what would become of each row, and then what did. */
export function ImportForm() {
  const { t } = useTranslation();
  const cache = useQueryClient();
  const [read, setRead] = useState<Read | null>(null);
  const [mapping, setMapping] = useState<Mapping>({});
  const [existing, setExisting] = useState<Existing>("skip");
  const [results, setResults] = useState<ImportedOut[]>([]);
  const [problem, setProblem] = useState("");
  const rows = read?.rows ?? read?.records.map((record) => linkOf(record, mapping)) ?? [];
  const sending = useMutation({
    mutationFn: (dry_run: boolean) => {
      setResults([]);
      return send(rows, { existing, dry_run }, setResults);
    },
    onSettled: () => refreshLinks(cache),
  });
  const done = !sending.isPending && sending.isSuccess;
  const dry = sending.variables === true;
  async function choose(file: File | null) {
    setRead(null);
    setResults([]);
    setProblem("");
    sending.reset();
    if (!file) return;
    try {
      const text = await file.text();
      if (/^\s*[[{]/.test(text)) {
        setRead({ records: [], headers: [], rows: readJson(text) as NewLink[] });
        return;
      }
      const { default: Papa } = await import("papaparse");
      const parsed = Papa.parse<Record<string, string>>(text, { header: true, skipEmptyLines: "greedy" });
      const headers = parsed.meta.fields ?? [];
      setMapping(guessMapping(headers));
      setRead({ records: parsed.data, headers });
    } catch (error) {
      setProblem(messageOf(error));
    }
  }
  const mapped = read?.rows !== undefined || Object.values(mapping).includes("target");
  return (
    <Stack>
      <FileInput
        label={t("transfer.file")}
        placeholder={t("transfer.choose")}
        accept=".csv,.json,.jsonl,.txt"
        clearable
        onChange={choose}
      />
      {problem && (
        <Alert color="red" role="alert">
          {t("transfer.unreadable")}
        </Alert>
      )}
      {read && (
        <>
          <Text role="status">{t("transfer.rows", { count: rows.length, number: formatNumber(rows.length) })}</Text>
          {read.headers.length > 0 && (
            <SimpleGrid cols={{ base: 1, sm: 2, md: 3 }} spacing="sm">
              {read.headers.map((header) => (
                <Select
                  key={header}
                  label={header}
                  data={FIELDS.map((field) => ({ value: field, label: t(`transfer.field.${field}`) }))}
                  placeholder={t("transfer.leaveOut")}
                  clearable
                  value={mapping[header] ?? null}
                  onChange={(field) => setMapping({ ...mapping, [header]: field as Field | null })}
                />
              ))}
            </SimpleGrid>
          )}
          {!mapped && <Alert color="yellow">{t("transfer.noTarget")}</Alert>}
          <Select
            label={t("transfer.existing")}
            allowDeselect={false}
            value={existing}
            onChange={(value) => setExisting(value as Existing)}
            data={(["skip", "overwrite", "refuse"] as const).map((one) => ({
              value: one,
              label: t(`transfer.on.${one}`),
            }))}
          />
          <Group>
            <Button
              variant="default"
              disabled={!mapped || rows.length === 0}
              loading={sending.isPending && dry}
              onClick={() => sending.mutate(true)}
            >
              {t("transfer.dryRun")}
            </Button>
            <Button
              disabled={!mapped || rows.length === 0}
              loading={sending.isPending && !dry}
              onClick={() => sending.mutate(false)}
            >
              {t("transfer.import")}
            </Button>
          </Group>
        </>
      )}
      {sending.isPending && (
        <Progress value={rows.length ? (results.length / rows.length) * 100 : 0} aria-label={t("transfer.progress")} />
      )}
      {sending.isError && (
        <Alert color="red" role="alert" title={t("transfer.brokeOff")}>
          {messageOf(sending.error)}
        </Alert>
      )}
      {results.length > 0 && <Results results={results} dry={dry} done={done} rows={rows} />}
    </Stack>
  );
}

function Results({
  results,
  dry,
  done,
  rows,
}: {
  results: ImportedOut[];
  dry: boolean;
  done: boolean;
  rows: NewLink[];
}) {
  const { t } = useTranslation();
  const counts = tally(results);
  const shown = [...results.entries()].sort(([, a], [, b]) => weight(a) - weight(b)).slice(0, SHOWN);
  return (
    <Stack>
      <Text role="status" fw={600}>
        {done ? (dry ? t("transfer.dryDone") : t("transfer.done")) : t("transfer.progress")}
      </Text>
      <Group gap="xs">
        {OUTCOMES.filter((one) => counts[one] > 0).map((one) => (
          <Badge key={one} color={one === "refused" ? "red" : "gray"} variant="light" tt="none" size="lg" autoContrast>
            {t(`transfer.outcome.${one}`)}: {formatNumber(counts[one])}
          </Badge>
        ))}
      </Group>
      <Table.ScrollContainer minWidth={520} scrollAreaProps={{ viewportProps: { tabIndex: 0 } }}>
        <Table layout="fixed">
          <Table.Thead>
            <Table.Tr>
              <Table.Th w={70}>{t("transfer.row")}</Table.Th>
              <Table.Th>{t("transfer.field.target")}</Table.Th>
              <Table.Th w="45%">{t("transfer.result")}</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {shown.map(([place, one]) => (
              <Table.Tr key={place}>
                <Table.Td>{formatNumber(place + 1)}</Table.Td>
                <Table.Td style={{ overflowWrap: "anywhere" }}>{String(rows[place]?.target ?? "")}</Table.Td>
                <Table.Td style={{ overflowWrap: "anywhere" }}>
                  {t(`transfer.outcome.${one.outcome}`)} {one.error?.detail ?? one.short_url ?? ""}
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
      {done && (
        <Group>
          <Button variant="default" component="a" download="import-report.json" href={reportOf(results)}>
            {t("transfer.report")}
          </Button>
        </Group>
      )}
    </Stack>
  );
}

const weight = (one: ImportedOut) => (one.outcome === "refused" ? 0 : 1);

function reportOf(results: ImportedOut[]): string {
  const lines = results.map((one, place) => JSON.stringify({ row: place + 1, ...one }));
  return URL.createObjectURL(new Blob([lines.join("\n")], { type: "application/x-ndjson" }));
}

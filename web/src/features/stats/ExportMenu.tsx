import { Button, Menu } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { IconDownload } from "@tabler/icons-react";
import { useMutation } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { messageOf } from "../../parts/States";
import { download } from "./download";
import { type ExportTable, exportTable, type Of } from "./queries";
import { filtersOf, type StatsSearch } from "./search";

const FORMS = ["csv", "jsonl"] as const;

/** Tables of the period as files. */
export function ExportMenu({ of, search }: { of: Of; search: StatsSearch }) {
  const { t } = useTranslation();
  const exporting = useMutation({
    mutationFn: async ({ table, form }: { table: ExportTable; form: (typeof FORMS)[number] }) =>
      download(await exportTable(of, search, table, form), `shortly-${table}.${form}`),
    onError: (error) => notifications.show({ color: "red", message: messageOf(error) }),
  });
  const filtered = Object.keys(filtersOf(search)).length > 0;
  const tables: ExportTable[] = filtered ? ["visits"] : ["series", "breakdowns", "visits"];
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <Button variant="default" leftSection={<IconDownload size={16} aria-hidden />} loading={exporting.isPending}>
          {t("stats.export")}
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        {filtered && <Menu.Label>{t("filters.export")}</Menu.Label>}
        {tables.map((table) =>
          FORMS.map((form) => (
            <Menu.Item
              key={table + form}
              data-autofocus={(table === tables[0] && form === FORMS[0]) || undefined}
              onClick={() => exporting.mutate({ table, form })}
            >
              {t(`stats.tables.${table}`)} · {form === "csv" ? "CSV" : "JSON"}
            </Menu.Item>
          )),
        )}
      </Menu.Dropdown>
    </Menu>
  );
}

import { Checkbox, Code, Group, Stack, Table, Text, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Failed, Waiting } from "../../parts/States";
import { settingsQuery } from "./queries";

/** What the server was started with, secrets masked. */
export function EffectiveSettings() {
  const { t } = useTranslation();
  const settings = useQuery(settingsQuery);
  const [search, setSearch] = useState("");
  const [changedOnly, setChangedOnly] = useState(false);
  if (settings.isPending) return <Waiting label={t("state.waiting")} height={400} />;
  if (settings.isLoadingError) return <Failed error={settings.error} onRetry={settings.refetch} />;
  const shown = settings.data.items.filter(
    (one) => one.name.includes(search.trim().toUpperCase()) && (!changedOnly || one.source !== "default"),
  );
  return (
    <Stack>
      <Group align="flex-end">
        <TextInput
          label={t("settings.search")}
          value={search}
          onChange={(event) => setSearch(event.currentTarget.value)}
          style={{ flex: "1 1 12rem" }}
        />
        <Checkbox
          label={t("settings.changedOnly")}
          checked={changedOnly}
          onChange={(event) => setChangedOnly(event.currentTarget.checked)}
          mb={8}
        />
      </Group>
      {shown.length === 0 && <Text c="dimmed">{t("settings.none")}</Text>}
      <Table.ScrollContainer minWidth={520} mah={420} scrollAreaProps={{ viewportProps: { tabIndex: 0 } }}>
        <Table layout="fixed" stickyHeader>
          <Table.Thead>
            <Table.Tr>
              <Table.Th w="42%">{t("settings.name")}</Table.Th>
              <Table.Th>{t("settings.value")}</Table.Th>
              <Table.Th w="22%">{t("settings.source")}</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {shown.map((one) => (
              <Table.Tr key={one.name}>
                <Table.Td style={{ overflowWrap: "anywhere" }}>{one.name}</Table.Td>
                <Table.Td style={{ overflowWrap: "anywhere" }}>
                  {one.value === null ? (
                    <Text c="dimmed" size="sm">
                      {t("settings.unset")}
                    </Text>
                  ) : (
                    <Code>{String(one.value)}</Code>
                  )}
                </Table.Td>
                <Table.Td>{t(`settings.from.${one.source}`)}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
    </Stack>
  );
}

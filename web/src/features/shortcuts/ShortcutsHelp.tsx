import { Kbd, Modal, Switch, Table } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { singleKeysAreOn, switchSingleKeys } from "./singleKeys";

const KEYS = [
  ["palette", ["Ctrl", "K"]],
  ["new", ["n"]],
  ["search", ["/"]],
  ["walk", ["j", "k"]],
  ["choose", ["x"]],
  ["edit", ["e", "Enter"]],
  ["undo", ["z"]],
  ["help", ["?"]],
] as const;

/** What the keys do. */
export function ShortcutsHelp({ onClose }: { onClose: () => void }) {
  const { t } = useTranslation();
  return (
    <Modal opened onClose={onClose} title={t("shortcuts.title")}>
      <Table>
        <Table.Tbody>
          {KEYS.map(([name, keys]) => (
            <Table.Tr key={name}>
              <Table.Th scope="row" fw={400}>
                {t(`shortcuts.${name}`)}
              </Table.Th>
              <Table.Td ta="end">
                {keys.map((key) => (
                  <Kbd key={key} ml={4}>
                    {key}
                  </Kbd>
                ))}
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      <Switch
        mt="md"
        label={t("shortcuts.single")}
        description={t("shortcuts.singleHint")}
        defaultChecked={singleKeysAreOn()}
        onChange={(event) => switchSingleKeys(event.currentTarget.checked)}
      />
    </Modal>
  );
}

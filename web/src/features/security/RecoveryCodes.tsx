import { Alert, Button, Checkbox, Group, Modal, SimpleGrid, Stack, Text } from "@mantine/core";
import { IconDownload, IconPrinter } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { CopyText } from "../../parts/CopyText";

/** New recovery codes, shown this once; they go away when their owner says that they are kept. */
export function RecoveryCodes({ codes, onKept }: { codes: string[]; onKept: () => void }) {
  const { t } = useTranslation();
  const [kept, setKept] = useState(false);
  const text = `${codes.join("\n")}\n`;
  return (
    <Modal
      opened
      onClose={onKept}
      title={t("security.recoveryCodes")}
      withCloseButton={false}
      closeOnClickOutside={false}
      closeOnEscape={false}
      centered
    >
      <Stack>
        <Alert color="yellow" variant="light">
          {t("security.recoveryOnce")}
        </Alert>
        <SimpleGrid cols={2} spacing="xs" component="ul" className="print-me" p={0} m={0} style={{ listStyle: "none" }}>
          {codes.map((code) => (
            <Text key={code} component="li" ff="monospace">
              {code}
            </Text>
          ))}
        </SimpleGrid>
        <Group gap="xs">
          <CopyText value={text} />
          <Button
            variant="default"
            component="a"
            href={`data:text/plain;charset=utf-8,${encodeURIComponent(text)}`}
            download="shortly-recovery-codes.txt"
            leftSection={<IconDownload size={16} aria-hidden />}
          >
            {t("security.download")}
          </Button>
          <Button variant="default" onClick={() => window.print()} leftSection={<IconPrinter size={16} aria-hidden />}>
            {t("security.print")}
          </Button>
        </Group>
        <Checkbox
          label={t("security.recoveryKept")}
          checked={kept}
          onChange={(event) => setKept(event.currentTarget.checked)}
        />
        <Button disabled={!kept} onClick={onKept}>
          {t("security.done")}
        </Button>
      </Stack>
    </Modal>
  );
}

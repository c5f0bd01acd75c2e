import { Code, List, Text } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { Section } from "../../parts/Section";

/** What has to be done outside of here before a domain leads to this installation. */
export function DomainHelp({ usual, mayAdd }: { usual: string; mayAdd: boolean }) {
  const { t } = useTranslation();
  if (!mayAdd) {
    return (
      <Text size="sm" c="dimmed">
        {t("domains.askAdmins")}
      </Text>
    );
  }
  const steps = [
    { name: "dns", example: `go.example.com.  CNAME  ${usual.replace(/:\d+$/, "")}.` },
    { name: "proxy", example: "server_name go.example.com;\nproxy_set_header Host $host;" },
    { name: "certificate", example: "EXTRA_DOMAINS=go.example.com" },
    { name: "try", example: "https://go.example.com/health" },
  ];
  return (
    <Section title={t("domains.help")}>
      <List type="ordered" spacing="md" withPadding={false}>
        {steps.map(({ name, example }) => (
          <List.Item key={name} styles={{ itemWrapper: { width: "100%" }, itemLabel: { width: "100%" } }}>
            <Text size="sm">{t(`domains.steps.${name}`)}</Text>
            <Code block mt={4} tabIndex={0} aria-label={t("domains.example")}>
              {example}
            </Code>
          </List.Item>
        ))}
      </List>
    </Section>
  );
}

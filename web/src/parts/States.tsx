import { Alert, Button, Center, Loader, Stack, Text, Title } from "@mantine/core";
import { IconAlertTriangle, IconPlugConnectedX } from "@tabler/icons-react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Problem } from "../api/problem";

/** The states that every view has besides the drawn one: waiting, failed, empty. */
export function Waiting({ label, height = 160 }: { label: string; height?: number }) {
  return (
    <Center mih={height} role="status" aria-label={label}>
      <Loader />
    </Center>
  );
}

export function Failed({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  const { t } = useTranslation();
  const offline = error instanceof Problem && error.status === 0;
  const forbidden = error instanceof Problem && error.status === 403;
  return (
    <Alert
      role="alert"
      color={offline ? "yellow" : "red"}
      icon={offline ? <IconPlugConnectedX aria-hidden /> : <IconAlertTriangle aria-hidden />}
      title={offline ? t("state.offline") : forbidden ? t("state.forbidden") : t("state.failed")}
    >
      <Stack align="flex-start" gap="xs">
        <Text size="sm">{offline ? t("state.offlineHint") : messageOf(error)}</Text>
        {onRetry && (
          <Button size="compact-sm" variant="default" onClick={onRetry}>
            {t("state.retry")}
          </Button>
        )}
      </Stack>
    </Alert>
  );
}

export function Empty({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <Stack align="center" py="xl" gap="xs">
      <Title order={2} size="h4">
        {title}
      </Title>
      {children}
    </Stack>
  );
}

export const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));

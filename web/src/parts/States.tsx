import { Alert, Box, Button, Skeleton, Stack, Text, Title } from "@mantine/core";
import { IconAlertTriangle, IconPlugConnectedX } from "@tabler/icons-react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Problem } from "../api/problem";

const ROW = 60;

/** The states that every view has besides the drawn one: waiting, failed, empty. */
export function Waiting({ label, height = 160, row = ROW }: WaitingProps) {
  return (
    <Box h={height} role="status" aria-label={label} style={{ overflow: "hidden" }}>
      {Array.from({ length: Math.ceil(height / row) }, (_, nth) => nth * row).map((top) => (
        <Stack key={top} h={row} justify="center" gap={8} px="xs">
          <Skeleton height={14} width="35%" />
          <Skeleton height={10} width="70%" />
        </Stack>
      ))}
    </Box>
  );
}

interface WaitingProps {
  label: string;
  /** Pixels of what comes, and of each of its rows. */
  height?: number;
  row?: number;
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

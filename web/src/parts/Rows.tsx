import { Box, Group, Stack, Text } from "@mantine/core";
import type { ReactNode } from "react";

/** A list whose rows break into lines where it is narrow. */
export function Rows({ label, children }: { label: string; children: ReactNode }) {
  return (
    <Box component="ul" aria-label={label} p={0} m={0} style={{ listStyle: "none" }}>
      {children}
    </Box>
  );
}

/** One thing: its name, words on it in a second line, what can be done with it at the end. */
export function Row({ title, badges, actions, children }: RowProps) {
  return (
    <Box component="li" py="sm" style={{ borderTop: "1px solid var(--mantine-color-default-border)" }}>
      <Group justify="space-between" gap="sm">
        <Stack gap={2} miw={0} style={{ flex: "1 1 14rem" }}>
          <Group gap="xs">
            <Text fw={600} component="span" style={{ overflowWrap: "anywhere" }}>
              {title}
            </Text>
            {badges}
          </Group>
          <Text size="sm" c="dimmed" component="div" style={{ overflowWrap: "anywhere" }}>
            {children}
          </Text>
        </Stack>
        {actions && <Group gap="xs">{actions}</Group>}
      </Group>
    </Box>
  );
}

interface RowProps {
  title: ReactNode;
  badges?: ReactNode;
  actions?: ReactNode;
  children?: ReactNode;
}

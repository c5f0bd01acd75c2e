import { Group, Stack, Title } from "@mantine/core";
import { type ReactNode, useEffect } from "react";

/** A screen: its heading, which the window's title repeats, what can be done here, and the contents. */
export function Screen({ title, actions, width = 1200, children }: ScreenProps) {
  useEffect(() => {
    document.title = `${title} · Shortly`;
  }, [title]);
  return (
    <Stack gap="lg" maw={width} mx="auto">
      <Group justify="space-between" gap="sm">
        <Title order={1} size="h2">
          {title}
        </Title>
        {actions && <Group gap="xs">{actions}</Group>}
      </Group>
      {children}
    </Stack>
  );
}

interface ScreenProps {
  title: string;
  actions?: ReactNode;
  /** Pixels; forms read better when they are narrow. */
  width?: number;
  children: ReactNode;
}

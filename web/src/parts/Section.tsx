import { Card, Group, Text, Title } from "@mantine/core";
import { type ReactNode, useId } from "react";

/** A card with a heading of its own, one subject of a screen. */
export function Section({ title, hint, actions, children }: SectionProps) {
  const id = useId();
  return (
    <Card withBorder component="section" aria-labelledby={id} padding="lg">
      <Group justify="space-between" mb={hint ? 4 : "sm"} gap="sm">
        <Title order={2} size="h4" id={id}>
          {title}
        </Title>
        {actions && <Group gap="xs">{actions}</Group>}
      </Group>
      {hint && (
        <Text size="sm" c="dimmed" mb="sm">
          {hint}
        </Text>
      )}
      {children}
    </Card>
  );
}

interface SectionProps {
  title: string;
  hint?: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
}

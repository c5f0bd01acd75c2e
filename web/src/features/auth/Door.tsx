import { Center, Paper, Stack, Text, Title } from "@mantine/core";
import type { ReactNode } from "react";
import { Refusal } from "../../parts/Refusal";

/** The frame of all screens in front of the door: one card, a heading, what went wrong, a form. */
export function Door({ title, hint, error, children }: Props) {
  return (
    <Center component="main" mih="100dvh" p="md">
      <Paper withBorder shadow="sm" p={{ base: "md", sm: "xl" }} w="100%" maw={420}>
        <Stack>
          <Stack gap={4}>
            <Title order={1} size="h2">
              {title}
            </Title>
            {hint && <Text c="dimmed">{hint}</Text>}
          </Stack>
          <Refusal error={error} />
          {children}
        </Stack>
      </Paper>
    </Center>
  );
}

interface Props {
  title: string;
  hint?: string;
  error?: unknown;
  children: ReactNode;
}

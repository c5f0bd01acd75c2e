import { Group, TextInput } from "@mantine/core";
import { CopyText } from "./CopyText";

/** A secret or a one-time link that nobody can read back: to be copied now. */
export function ShownOnce({ label, value, hint }: { label: string; value: string; hint?: string }) {
  return (
    <Group align="flex-end" gap="xs">
      <TextInput
        label={label}
        description={hint}
        value={value}
        readOnly
        onFocus={(event) => event.currentTarget.select()}
        styles={{ input: { fontFamily: "var(--mantine-font-family-monospace)" } }}
        style={{ flex: "1 1 14rem" }}
      />
      <CopyText value={value} />
    </Group>
  );
}

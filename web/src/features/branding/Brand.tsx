import { Group, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { brandingQuery } from "./queries";

/** The installation's logo, or its name where it has none; "Shortly" until that is known. */
export function Brand() {
  const { data } = useQuery(brandingQuery);
  const name = data?.name ?? "Shortly";
  return (
    <Group gap="xs" wrap="nowrap" h={32}>
      {data?.logo_url ? (
        <img src={data.logo_url} alt={name} style={{ maxHeight: 32, maxWidth: 160, objectFit: "contain" }} />
      ) : (
        <Text fw={700} size="lg" truncate>
          {name}
        </Text>
      )}
    </Group>
  );
}

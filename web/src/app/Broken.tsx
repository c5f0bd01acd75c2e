import { Container } from "@mantine/core";
import type { ErrorComponentProps } from "@tanstack/react-router";
import { useRouter } from "@tanstack/react-router";
import { Failed } from "../parts/States";

/** In place of a screen that could not be begun, as without a connection. */
export function Broken({ error, reset }: ErrorComponentProps) {
  const router = useRouter();
  const retry = () => {
    reset();
    router.invalidate();
  };
  return (
    <Container size="sm" py="xl">
      <Failed error={error} onRetry={retry} />
    </Container>
  );
}

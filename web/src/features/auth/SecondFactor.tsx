import { Button, Center, Stack, Text, Title } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { signOut } from "../../api/generated";
import { unwrap } from "../../api/http";
import { AppSection } from "../security/AppSection";
import { PasskeysSection } from "../security/PasskeysSection";
import { useEntered } from "./useEntered";

/** Where the installation asks for a second factor: nothing else is open until one is set up. */
export function SecondFactor() {
  const { t } = useTranslation();
  const entered = useEntered();
  const leaving = useMutation({ mutationFn: () => unwrap(signOut()), onSettled: () => entered("/app/sign-in") });
  return (
    <Center component="main" mih="100dvh" p="md">
      <Stack maw={640} w="100%">
        <Title order={1} size="h2">
          {t("auth.factorRequired")}
        </Title>
        <Text c="dimmed">{t("auth.factorRequiredHint")}</Text>
        <PasskeysSection onAdded={() => entered()} />
        <AppSection onAdded={() => entered()} />
        <Button variant="subtle" onClick={() => leaving.mutate()}>
          {t("auth.signOut")}
        </Button>
      </Stack>
    </Center>
  );
}

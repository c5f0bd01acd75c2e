import { Button } from "@mantine/core";
import {
  browserSupportsWebAuthn,
  browserSupportsWebAuthnAutofill,
  type PublicKeyCredentialRequestOptionsJSON,
  startAuthentication,
  WebAuthnAbortService,
} from "@simplewebauthn/browser";
import { IconFingerprint } from "@tabler/icons-react";
import { useMutation } from "@tanstack/react-query";
import { useEffect } from "react";
import { useTranslation } from "react-i18next";
import { type Credential, signInByPasskey, startPasskeySignIn } from "../../api/generated";
import { unwrap } from "../../api/http";
import { Problem } from "../../api/problem";

/** Signs in by a passkey: at a button, or picked from what the browser offers at the e-mail field. */
export function PasskeySignIn({ onEntered, onRefused }: PasskeySignInProps) {
  const { t } = useTranslation();
  const entering = useMutation({
    mutationFn: enter,
    onMutate: () => onRefused(null),
    onSuccess: onEntered,
    onError: (error, atField) => {
      if (error instanceof Problem) onRefused(error);
      else if (!atField) onRefused(new Error(t("auth.passkeyFailed"))); // the one at the field ends when this begins
    },
  });
  const { mutate } = entering;
  useEffect(() => {
    let here = true;
    browserSupportsWebAuthnAutofill().then((offers) => {
      if (offers && here) mutate(true);
    });
    return () => {
      here = false;
      WebAuthnAbortService.cancelCeremony();
    };
  }, [mutate]);
  if (!browserSupportsWebAuthn()) return null;
  return (
    <Button
      variant="default"
      leftSection={<IconFingerprint size={18} aria-hidden />}
      onClick={() => entering.mutate(false)}
    >
      {t("auth.byPasskey")}
    </Button>
  );
}

interface PasskeySignInProps {
  onEntered: () => void;
  onRefused: (error: Error | null) => void;
}

/** Ask the browser for a passkey and come in by it; a request that waits at the field ends silently when it is left. */
async function enter(atField: boolean): Promise<void> {
  const { publicKey } = await unwrap(startPasskeySignIn());
  const credential = await startAuthentication({
    optionsJSON: publicKey as unknown as PublicKeyCredentialRequestOptionsJSON,
    useBrowserAutofill: atField,
  });
  await unwrap(signInByPasskey({ body: { credential: credential as unknown as Credential } }));
}

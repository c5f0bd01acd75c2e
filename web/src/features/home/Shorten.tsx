import { Alert, Anchor, Button, Group, TextInput } from "@mantine/core";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { createLink } from "../../api/generated";
import { unwrap } from "../../api/http";
import { copyText } from "../../parts/clipboard";
import { messageOf } from "../../parts/States";
import { CopyLink } from "../links/CopyLink";
import { refreshLinks } from "../links/queries";

/** Paste, Enter: the short link is made, shown and in the clipboard. */
export function Shorten({ initial = "" }: { initial?: string }) {
  const { t } = useTranslation();
  const cache = useQueryClient();
  const [target, setTarget] = useState(initial);
  const [copied, setCopied] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  const shortening = useMutation({
    mutationFn: () => unwrap(createLink({ body: { target: withScheme(target) } })),
    onSuccess: async (link) => {
      setTarget("");
      setCopied(await copyText(link.short_url));
      input.current?.focus();
      await refreshLinks(cache);
    },
  });
  function submit(event: FormEvent) {
    event.preventDefault();
    if (target.trim()) shortening.mutate();
  }
  return (
    <form onSubmit={submit}>
      <Group align="flex-end" gap="sm">
        <TextInput
          ref={input}
          label={t("home.target")}
          placeholder="https://example.com/…"
          type="text"
          inputMode="url"
          autoComplete="off"
          autoFocus
          value={target}
          onChange={(event) => setTarget(event.currentTarget.value)}
          error={shortening.isError ? messageOf(shortening.error) : undefined}
          style={{ flex: "1 1 16rem" }}
          size="md"
        />
        <Button type="submit" size="md" w={{ base: "100%", xs: "auto" }} loading={shortening.isPending}>
          {t("home.shorten")}
        </Button>
      </Group>
      <div role="status">
        {shortening.data && (
          <Alert mt="sm" color="green" variant="light">
            <Group gap="xs">
              <Anchor href={shortening.data.short_url} target="_blank" rel="noreferrer" fw={600}>
                {shortening.data.short_url}
              </Anchor>
              <CopyLink url={shortening.data.short_url} />
              {copied && <span>{t("home.copied")}</span>}
            </Group>
          </Alert>
        )}
      </div>
    </form>
  );
}

/** Return what was typed as an absolute URL: `example.com/x` means https. */
export function withScheme(typed: string): string {
  const target = typed.trim();
  return /^[a-z][a-z0-9+.-]*:/i.test(target) && !/^[^/]+:\d+(\/|$)/.test(target) ? target : `https://${target}`;
}

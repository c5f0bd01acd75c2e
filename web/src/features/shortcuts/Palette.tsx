import { Modal, Text, TextInput, UnstyledButton } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import { type KeyboardEvent, useId, useState } from "react";
import { useTranslation } from "react-i18next";
import { PLACES } from "../../app/places";
import { meQuery } from "../auth/queries";
import { edit } from "../links/editor";
import { keyOf, linksQuery } from "../links/queries";

const FOUND = 6;

interface Choice {
  key: string;
  label: string;
  hint?: string;
  run: () => void;
}

/** Screens, actions, and links by search, in one list that arrows walk through. */
export function Palette({ mayEdit, onClose, onHelp }: PaletteProps) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const me = useQuery(meQuery);
  const id = useId();
  const [typed, setTyped] = useState("");
  const [at, setAt] = useState(0);
  const [q] = useDebouncedValue(typed.trim(), 120);
  const links = useInfiniteQuery({ ...linksQuery({ q }, FOUND), enabled: q !== "" });
  const fits = (label: string) => label.toLocaleLowerCase().includes(typed.trim().toLocaleLowerCase());
  const fixed: Choice[] = [
    ...(mayEdit ? [{ key: "new", label: t("shortcuts.new"), run: () => edit({ kind: "new" }) }] : []),
    ...PLACES.flat()
      .filter(({ needs }) => !needs || me.data?.permissions.includes(needs))
      .map(({ to, label }) => ({ key: to, label: t(label), run: () => navigate({ to }) })),
    { key: "help", label: t("shortcuts.help"), run: onHelp },
  ].filter(({ label }) => fits(label));
  const found: Choice[] = (q ? (links.data?.pages[0]?.items ?? []) : []).map((link) => ({
    key: keyOf(link),
    label: link.short_url.replace(/^https?:\/\//, ""),
    hint: link.title || link.target,
    run: () =>
      mayEdit
        ? edit({ kind: "edit", slug: link.slug, domain: link.domain })
        : navigate({ to: "/app/links", search: { q: link.slug } }),
  }));
  const choices = [...fixed, ...found];
  const active = Math.min(at, choices.length - 1);
  function choose(choice: Choice | undefined) {
    if (!choice) return;
    onClose();
    choice.run();
  }
  function onKey(event: KeyboardEvent) {
    if (event.key === "ArrowDown") setAt(Math.min(active + 1, choices.length - 1));
    else if (event.key === "ArrowUp") setAt(Math.max(active - 1, 0));
    else if (event.key === "Enter") choose(choices[active]);
    else return;
    event.preventDefault();
  }
  return (
    <Modal
      opened
      onClose={onClose}
      withCloseButton={false}
      yOffset="10vh"
      attributes={{ content: { "aria-label": t("shortcuts.palette") } }}
      padding="sm"
    >
      <TextInput
        data-autofocus
        size="md"
        aria-label={t("shortcuts.find")}
        placeholder={t("shortcuts.find")}
        role="combobox"
        aria-expanded
        aria-controls={id}
        aria-activedescendant={choices[active] && `${id}-${active}`}
        autoComplete="off"
        value={typed}
        onChange={(event) => {
          setTyped(event.currentTarget.value);
          setAt(0);
        }}
        onKeyDown={onKey}
      />
      <div id={id} role="listbox" aria-label={t("shortcuts.palette")} style={{ marginTop: 8 }}>
        {choices.map((choice, place) => (
          <UnstyledButton
            key={choice.key}
            id={`${id}-${place}`}
            role="option"
            aria-selected={place === active}
            tabIndex={-1}
            onClick={() => choose(choice)}
            p="xs"
            w="100%"
            style={{
              borderRadius: "var(--mantine-radius-md)",
              background: place === active ? "var(--mantine-color-default-hover)" : undefined,
            }}
          >
            <Text size="sm" truncate>
              {choice.label}
            </Text>
            {choice.hint && (
              <Text size="xs" c="dimmed" truncate>
                {choice.hint}
              </Text>
            )}
          </UnstyledButton>
        ))}
      </div>
      <Text size="sm" c="dimmed" p={choices.length ? 0 : "xs"} role="status">
        {choices.length === 0 && !links.isFetching ? t("shortcuts.nothing") : ""}
      </Text>
    </Modal>
  );
}

interface PaletteProps {
  mayEdit: boolean;
  onClose: () => void;
  onHelp: () => void;
}

import { Drawer } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { createLink, editLink, getLink, type LinkOut, type NewLink } from "../../api/generated";
import { unwrap } from "../../api/http";
import { Problem } from "../../api/problem";
import { copyText } from "../../parts/clipboard";
import { Failed, Waiting } from "../../parts/States";
import { Conflict } from "./Conflict";
import type { Editing } from "./editor";
import { LinkForm } from "./LinkForm";
import { QrDesigner } from "./QrDesigner";
import { linkQuery, refreshLinks } from "./queries";
import { useUndo } from "./useUndo";
import { asBefore, bodyOf, canBeUndone, differing, EMPTY, type Field, type Values, valuesOf } from "./values";

/** The form in a drawer: for a new link, or for one that is there. */
export function LinkDrawer({ editing, onClose }: { editing: NonNullable<Editing>; onClose: () => void }) {
  const { t } = useTranslation();
  return (
    <Drawer
      opened
      onClose={onClose}
      position="right"
      size="lg"
      title={editing.kind === "new" ? t("linkForm.newTitle") : t("linkForm.editTitle", { slug: editing.slug })}
    >
      {editing.kind === "new" ? (
        <NewLinkForm target={editing.target} onClose={onClose} />
      ) : (
        <EditLinkForm slug={editing.slug} domain={editing.domain} onClose={onClose} />
      )}
    </Drawer>
  );
}

function NewLinkForm({ target, onClose }: { target?: string; onClose: () => void }) {
  const { t } = useTranslation();
  const cache = useQueryClient();
  const making = useMutation({
    mutationFn: (values: Values) => {
      const fields = differing(values, EMPTY);
      const body = { ...bodyOf(values, fields), target: values.target } as NewLink;
      if (values.slug.trim()) body.slug = values.slug.trim();
      if (values.domain) body.domain = values.domain;
      return unwrap(createLink({ body }));
    },
    onSuccess: async (link) => {
      onClose();
      const copied = await copyText(link.short_url);
      notifications.show({ message: t(copied ? "linkForm.madeCopied" : "linkForm.made", { url: link.short_url }) });
      await refreshLinks(cache);
    },
  });
  return (
    <LinkForm
      target={target}
      failure={making.error}
      busy={making.isPending}
      onSave={(values) => making.mutate(values)}
      onCancel={onClose}
    />
  );
}

function EditLinkForm({ slug, domain, onClose }: { slug: string; domain: string; onClose: () => void }) {
  const { t } = useTranslation();
  const link = useQuery({ ...linkQuery(slug, domain), refetchOnWindowFocus: false, refetchOnReconnect: false });
  if (link.isPending) return <Waiting label={t("state.waiting")} height={480} />;
  if (link.isLoadingError) return <Failed error={link.error} onRetry={link.refetch} />;
  return <Edit link={link.data} onClose={onClose} />;
}

function Edit({ link: read, onClose }: { link: LinkOut; onClose: () => void }) {
  const { t } = useTranslation();
  const cache = useQueryClient();
  const offerUndo = useUndo();
  const [link] = useState(read); // what the person began with, whatever is read meanwhile
  const [clash, setClash] = useState<{ mine: Values; theirs: LinkOut }>();
  const before = clash?.theirs ?? link;
  const saving = useMutation({
    mutationFn: async ({ values, fields }: { values: Values; fields: Field[] }) => {
      if (fields.length === 0) return;
      try {
        const after = await unwrap(editLink({ ...at(before), body: bodyOf(values, fields) }));
        if (!canBeUndone(fields)) return "final";
        return () => unwrap(editLink({ ...at(after), body: asBefore(before, fields) }));
      } catch (error) {
        if (!(error instanceof Problem && error.status === 412)) throw error;
        const { path, query } = at(before);
        setClash({ mine: values, theirs: await unwrap(getLink({ path, query })) });
        return "clash";
      }
    },
    onSuccess: async (undo) => {
      if (undo === "clash") return;
      onClose();
      if (undo === "final") {
        notifications.show({ message: t("linkForm.saved") });
        await refreshLinks(cache);
      } else if (undo) await offerUndo(t("linkForm.saved"), undo);
    },
  });
  if (clash) {
    return (
      <Conflict
        mine={clash.mine}
        theirs={clash.theirs}
        busy={saving.isPending}
        onSave={(fields) => saving.mutate({ values: clash.mine, fields })}
        onCancel={onClose}
      />
    );
  }
  return (
    <LinkForm
      link={link}
      failure={saving.error}
      busy={saving.isPending}
      onSave={(values) => saving.mutate({ values, fields: differing(values, valuesOf(link)) })}
      onCancel={onClose}
    >
      <QrDesigner link={link} />
    </LinkForm>
  );
}

/** Where a link is changed, as long as nobody else did since it was read. */
const at = ({ slug, domain, version }: LinkOut) => ({
  path: { slug },
  query: { domain },
  headers: { "If-Match": `"${version}"` },
});

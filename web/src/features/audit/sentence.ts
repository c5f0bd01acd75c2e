import type { TFunction } from "i18next";
import type { EntryOut } from "../../api/generated";
import { formatNumber } from "../../i18n/format";

/** What was done, by its noun; `audit.did` has a sentence for each. */
export const ACTIONS = [
  "link.created",
  "link.edited",
  "link.deleted",
  "link.banned",
  "link.unbanned",
  "link.shared",
  "link.unshared",
  "link.restored",
  "domain.added",
  "domain.assigned",
  "domain.removed",
  "key.created",
  "key.edited",
  "key.rotated",
  "key.revoked",
  "member.added",
  "member.removed",
  "member.role_changed",
  "invitation.created",
  "invitation.accepted",
  "invitation.withdrawn",
  "report.decided",
  "workspace.created",
  "workspace.renamed",
  "workspace.deleted",
  "user.created",
  "user.edited",
  "user.deleted",
  "user.linked",
  "user.made_admin",
  "user.unmade_admin",
  "user.disabled",
  "user.enabled",
  "user.signed_in",
  "user.sign_in_refused",
  "session.ended",
  "session.others_ended",
  "session.all_ended",
  "password.changed",
  "password.reset",
  "password.reset_link_made",
  "second_factor.added",
  "second_factor.removed",
  "recovery_codes.renewed",
  "passkey.added",
  "passkey.removed",
  "installation.set_up",
  "branding.changed",
];

/** Names of people and keys by `user:7`, `key:3`; what is not among them is shown as it stands in the log. */
export type Names = ReadonlyMap<string, string>;

export function nameOf(actor: string, names: Names, t: TFunction): string {
  if (actor === "cli") return t("audit.cli");
  if (actor === "anonymous") return t("audit.anonymous");
  return names.get(actor) ?? actor;
}

/** Return what was done by whom to what as one sentence. */
export function sentenceOf(entry: EntryOut, names: Names, t: TFunction): string {
  const who = nameOf(entry.actor, names, t);
  const what = subjectOf(entry, names);
  if (entry.subject === "" && typeof entry.details.count === "number" && entry.action in SEVERAL) {
    return t(SEVERAL[entry.action] ?? "", { who, number: formatNumber(entry.details.count) });
  }
  return ACTIONS.includes(entry.action)
    ? t(`audit.did.${entry.action}`, { who, what })
    : t("audit.didOther", { who, what, action: entry.action });
}

/** One entry for many links of one step. */
const SEVERAL: Record<string, string> = {
  "link.created": "audit.several.created",
  "link.edited": "audit.several.edited",
  "link.deleted": "audit.several.deleted",
  "link.restored": "audit.several.restored",
};

function subjectOf({ subject, details }: EntryOut, names: Names): string {
  if (subject.startsWith("link:")) return subject.slice("link:".length);
  for (const given of [details.name, details.email]) if (typeof given === "string" && given) return given;
  return names.get(subject) ?? subject;
}

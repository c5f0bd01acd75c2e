import type { LinkChanges, LinkOut } from "../../api/generated";

/** What the form holds: everything about a link that can be set, as its fields have it. */
export interface Values {
  target: string;
  slug: string;
  domain: string;
  title: string;
  tags: string[];
  folder: string;
  notes: string;
  valid_from: string;
  expires_at: string;
  max_clicks: number | "";
  fallback_target: string;
  status: string;
  forward_query: boolean;
  crawlable: boolean;
  enabled: boolean;
  archived: boolean;
  cache_s: number | "";
  referrer_policy: string;
  /** A new one; the link's own is told to nobody. */
  password: string;
  remove_password: boolean;
}

export const EMPTY: Values = {
  target: "",
  slug: "",
  domain: "",
  title: "",
  tags: [],
  folder: "",
  notes: "",
  valid_from: "",
  expires_at: "",
  max_clicks: "",
  fallback_target: "",
  status: "302",
  forward_query: false,
  crawlable: false,
  enabled: true,
  archived: false,
  cache_s: "",
  referrer_policy: "",
  password: "",
  remove_password: false,
};

export function valuesOf(link: LinkOut): Values {
  return {
    target: link.target,
    slug: link.slug,
    domain: link.domain,
    title: link.title,
    tags: link.tags,
    folder: link.folder,
    notes: link.notes,
    valid_from: toLocal(link.valid_from),
    expires_at: toLocal(link.expires_at),
    max_clicks: link.max_clicks ?? "",
    fallback_target: link.fallback_target ?? "",
    status: String(link.status),
    forward_query: link.forward_query,
    crawlable: link.crawlable,
    enabled: link.enabled,
    archived: link.archived,
    cache_s: link.cache_s ?? "",
    referrer_policy: link.referrer_policy,
    password: "",
    remove_password: false,
  };
}

export type Field = keyof Values;

/** The fields that differ between two states of the form; the domain is fixed once a link is made. */
export function differing(one: Values, other: Values): Field[] {
  return (Object.keys(one) as Field[]).filter(
    (field) => field !== "domain" && JSON.stringify(one[field]) !== JSON.stringify(other[field]),
  );
}

/** These fields as the API takes them. */
export function bodyOf(values: Values, fields: Field[]): LinkChanges {
  const body: Record<string, unknown> = {};
  for (const field of fields) {
    const value = values[field];
    if (field === "status") body[field] = Number(value);
    else if (field === "valid_from" || field === "expires_at") body[field] = value ? toMoment(value as string) : null;
    else if (value === "" && (field === "max_clicks" || field === "cache_s" || field === "fallback_target"))
      body[field] = null;
    else if (field === "remove_password") body.password = null;
    else body[field] = value;
  }
  return body as LinkChanges;
}

/** Whether a change of these fields can be taken back: of a password nobody knows what it was before. */
export const canBeUndone = (fields: Field[]) => !fields.includes("password") && !fields.includes("remove_password");

/** These fields as a link has them: what takes a change of them back. */
export const asBefore = (link: LinkOut, fields: string[]) =>
  Object.fromEntries(fields.map((field) => [field, link[field as keyof LinkOut]])) as LinkChanges;

/** A moment as an `<input type="datetime-local">` has it: in this browser's time zone, to the minute. */
export function toLocal(moment: string | null): string {
  if (!moment) return "";
  const at = new Date(moment);
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

export const toMoment = (local: string) => new Date(local).toISOString();

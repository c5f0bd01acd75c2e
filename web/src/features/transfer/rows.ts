import type { ImportedRow } from "../../api/generated";

export const FIELDS = [
  "target",
  "slug",
  "domain",
  "title",
  "notes",
  "tags",
  "folder",
  "valid_from",
  "expires_at",
  "max_clicks",
  "fallback_target",
  "status",
  "forward_query",
  "crawlable",
  "enabled",
  "archived",
  "cache_s",
  "referrer_policy",
  "has_password",
  "password",
] as const;
export type Field = (typeof FIELDS)[number];
/** Header of the file -> field of a link; null: the column is left out. */
export type Mapping = Record<string, Field | null>;

const ALSO: Record<string, Field> = {
  url: "target",
  long_url: "target",
  destination: "target",
  keyword: "slug",
  alias: "slug",
  short_code: "slug",
  tag: "tags",
  note: "notes",
};
const NUMBERS = new Set<Field>(["max_clicks", "status", "cache_s"]);
const FLAGS = new Set<Field>(["forward_query", "crawlable", "enabled", "archived", "has_password"]);
/** What exports put in front of a cell that a spreadsheet would run, or that looks as if they had. */
const FORMULA = /^'(?='*[=+\-@\t\r\n＝＋－＠])/;
/** A tag in quotation marks, which may have a comma, or one without. */
const TAG = /\s*"(?:[^"]|"")*"|[^,]+/g;

/** Return which field each header means, by its name; each field at most once. */
export function guessMapping(headers: string[]): Mapping {
  const taken = new Set<Field>();
  const found: Mapping = {};
  for (const header of headers) {
    const name = header
      .trim()
      .toLowerCase()
      .replace(/[\s-]+/g, "_");
    const field = FIELDS.find((one) => one === name) ?? ALSO[name] ?? null;
    found[header] = field && !taken.has(field) ? field : null;
    if (field) taken.add(field);
  }
  return found;
}

/** Return a record of the file as a link to be made; what makes no sense goes out as it is and is refused there. */
export function linkOf(record: Record<string, string>, mapping: Mapping): ImportedRow {
  const link: Record<string, unknown> = {};
  for (const [header, field] of Object.entries(mapping)) {
    const text = (record[header] ?? "").trim().replace(FORMULA, "");
    if (!field || !text) continue;
    if (field === "tags") link[field] = tagsOf(text);
    else if (NUMBERS.has(field)) link[field] = Number.isNaN(Number(text)) ? text : Number(text);
    else if (FLAGS.has(field))
      link[field] = /^(true|yes|1)$/i.test(text) || (/^(false|no|0)$/i.test(text) ? false : text);
    else link[field] = text;
  }
  return link as unknown as ImportedRow;
}

/** Return the tags in a cell, as exports and people write them. */
function tagsOf(text: string): string[] {
  return (text.match(TAG) ?? [])
    .map((tag) => tag.trim())
    .map((tag) => (/^".*"$/s.test(tag) ? tag.slice(1, -1).replaceAll('""', '"').trim() : tag))
    .filter(Boolean);
}

/** Read JSON: one array of objects, or an object in each line; what is no JSON is refused by the server, row by row. */
export function readJson(text: string): unknown[] {
  const trimmed = text.trim();
  if (trimmed.startsWith("[")) return JSON.parse(trimmed) as unknown[];
  return trimmed.split(/\r?\n/).flatMap((line) => {
    if (!line.trim()) return [];
    try {
      return [JSON.parse(line)];
    } catch {
      return [line];
    }
  });
}

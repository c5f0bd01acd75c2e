import { expect, test } from "vitest";
import { LOCALES, localeOf } from ".";
import { formatAgo } from "./format";
import en from "./locales/en";
import type { Texts } from "./locales/texts";

const sources = import.meta.glob<string>(["../**/*.{ts,tsx}", "!../**/*.test.*", "!../api/generated/**"], {
  query: "?raw",
  import: "default",
  eager: true,
});
const locales = import.meta.glob<Texts>("./locales/*/index.ts", { import: "default", eager: true });
const PLURAL = /_(zero|one|two|few|many|other)$/;

/** Return the texts by their whole keys. */
function flat(tree: Texts, before = ""): Map<string, string> {
  const found = new Map<string, string>();
  for (const [name, value] of Object.entries(tree)) {
    if (typeof value === "string") found.set(before + name, value);
    else for (const [key, text] of flat(value, `${before}${name}.`)) found.set(key, text);
  }
  return found;
}

const whole = Object.values(sources).join("\n");
const texts = flat(en);
const known = new Set([...texts.keys()].map((key) => key.replace(PLURAL, "")));
const used = new Set([...whole.matchAll(/\bt\(\s*"([^"]+)"/g)].map((found) => found[1] as string));
const beginnings = [...whole.matchAll(/\bt\(\s*`([^`$]+)\$\{/g)].map((found) => found[1] as string);

test("every text that the code asks for is there", () => {
  expect(used.size).toBeGreaterThan(10);
  expect([...used].filter((key) => !known.has(key))).toEqual([]);
});

test("every text that is there is asked for", () => {
  const idle = [...known].filter(
    (key) => !used.has(key) && !whole.includes(`"${key}"`) && !beginnings.some((begin) => key.startsWith(begin)),
  );
  expect(idle).toEqual([]);
});

test("every locale that can be chosen has its texts", () => {
  expect(Object.keys(locales).sort()).toEqual(
    Object.keys(LOCALES)
      .map((locale) => `./locales/${locale}/index.ts`)
      .sort(),
  );
});

test.each(Object.entries(locales))("%s has the texts of English, with the same gaps to fill", (path, tree) => {
  const gaps = (text: string) => [...new Set(text.match(/\{\{\s*\w+/g) ?? [])].sort();
  const given = flat(tree);
  const names = new Set([...given.keys()].map((key) => key.replace(PLURAL, "")));
  expect([...names].sort()).toEqual([...known].sort());
  for (const [key, text] of given) {
    const english = texts.get(key) ?? texts.get(key.replace(PLURAL, "_other"));
    expect(text.trim(), `${path}: ${key}`).not.toBe("");
    expect(gaps(text), `${path}: ${key}`).toEqual(gaps(english ?? ""));
  }
});

test.each(Object.entries(locales))("%s has each plural form of its language, and no other", (path, tree) => {
  const locale = path.split("/")[2] as string;
  const forms = new Intl.PluralRules(locale).resolvedOptions().pluralCategories.toSorted();
  const given = [...flat(tree).keys()].filter((key) => PLURAL.test(key));
  const plurals = new Set([...texts.keys()].filter((key) => PLURAL.test(key)).map((key) => key.replace(PLURAL, "")));
  expect(plurals.size).toBeGreaterThan(5);
  expect(given.toSorted()).toEqual([...plurals].flatMap((key) => forms.map((form) => `${key}_${form}`)).toSorted());
});

test.each([
  ["de-AT", "de"],
  ["EN-us", "en"],
  ["zh", "zh-Hans"],
  ["zh-CN", "zh-Hans"],
  ["zh-TW", undefined],
  ["zh-Hant-HK", undefined],
  ["nl", undefined],
  ["", undefined],
])("%s is shown as %s", (tag, locale) => {
  expect(localeOf(tag)).toBe(locale);
  expect(locale === undefined || locale in LOCALES).toBe(true);
});

test("moments are told in whole units", () => {
  const now = Date.parse("2026-06-01T12:00:00Z");
  expect(formatAgo("2026-06-01T11:59:30Z", now)).toMatch(/30 (seconds|sec)/);
  expect(formatAgo("2026-06-01T10:01:00Z", now)).toBe("1 hour ago");
  expect(formatAgo("2026-05-31T11:00:00Z", now)).toBe("yesterday");
  expect(formatAgo("2028-06-02T12:00:00Z", now)).toBe("in 2 years");
});

import { afterEach, expect, test, vi } from "vitest";
import { showLocale, startTranslations } from ".";
import { formatDay, region } from "./format";

afterEach(() => vi.restoreAllMocks());

test.each([
  ["en", ["en-GB", "en"], "en-GB"],
  ["en", ["de-AT", "en-AU"], "en-AU"],
  ["de", ["en-US", "en"], "de"],
  ["pt", ["pt-PT"], "pt-PT"],
  ["zh-Hans", ["zh-TW", "zh-CN"], "zh-CN"],
] as const)("in %s, to a browser that asks for %s, dates are those of %s", async (locale, languages, wanted) => {
  await startTranslations();
  vi.spyOn(navigator, "languages", "get").mockReturnValue(languages);
  await showLocale(locale);
  expect(region()).toBe(wanted);
  const noon = "2026-11-29T12:00:00Z";
  expect(formatDay(noon)).toBe(new Intl.DateTimeFormat(wanted, { dateStyle: "medium" }).format(new Date(noon)));
});

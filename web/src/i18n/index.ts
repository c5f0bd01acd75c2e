import i18next from "i18next";
import { initReactI18next } from "react-i18next";
import en from "./locales/en";
import type { Texts } from "./locales/texts";

export const LOCALES = {
  en: "English",
  de: "Deutsch",
  es: "Español",
  fr: "Français",
  pt: "Português",
  ja: "日本語",
  "zh-Hans": "简体中文",
} as const;
export type Locale = keyof typeof LOCALES;

const CHOSEN = "shortly-locale";
const loaders = import.meta.glob<Texts>(["./locales/*/index.ts", "!./locales/en/index.ts"], { import: "default" });

/** Return the locale that somebody chose, or else the first one that the browser asks for and there is. */
export function preferredLocale(): Locale {
  const wanted = [localStorage.getItem(CHOSEN), ...navigator.languages];
  for (const tag of wanted) {
    const found = tag && localeOf(tag);
    if (found) return found;
  }
  return "en";
}

export function localeOf(tag: string): Locale | undefined {
  if (/^zh\b/i.test(tag)) return /\b(hant|tw|hk|mo)\b/i.test(tag) ? undefined : "zh-Hans";
  const language = tag.split("-")[0]?.toLowerCase();
  return (Object.keys(LOCALES) as Locale[]).find((locale) => locale === language);
}

export async function startTranslations() {
  await i18next.use(initReactI18next).init({
    lng: "en",
    fallbackLng: "en",
    resources: { en: { translation: en } },
    interpolation: { escapeValue: false },
    returnNull: false,
  });
  await showLocale(preferredLocale());
}

/** Load a locale's texts and show the app in it. */
export async function showLocale(locale: Locale) {
  if (!i18next.hasResourceBundle(locale, "translation")) {
    const texts = await loaders[`./locales/${locale}/index.ts`]?.();
    if (texts) i18next.addResourceBundle(locale, "translation", texts);
  }
  await i18next.changeLanguage(locale);
  document.documentElement.lang = locale;
}

export async function chooseLocale(locale: Locale) {
  localStorage.setItem(CHOSEN, locale);
  await showLocale(locale);
}

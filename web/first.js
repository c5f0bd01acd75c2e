// Runs before anything is drawn: the colours and the language that somebody chose, and what is drawn until the app is there.
// The build puts the texts of the home screen in place of the name below, by locale (first-screen.ts).
(() => {
  const TEXTS = __TEXTS__;
  const root = document.documentElement;
  const kept = (name) => {
    try {
      return localStorage.getItem(name);
    } catch {
      return null; // storage is closed here
    }
  };
  const chosen = kept("mantine-color-scheme-value");
  const dark = chosen === "dark" || (chosen !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
  root.dataset.mantineColorScheme = dark ? "dark" : "light";
  const doors = /^\/app\/(sign-in|setup|forgot|reset-password|invitation|second-factor|welcome)\/?$/;
  if (doors.test(location.pathname)) return;
  root.classList.add("inside");
  if (location.pathname !== "/") return;

  // As preferredLocale in i18n/index.ts has it.
  const locale = (tag) =>
    /^zh\b/i.test(tag) ? (/\b(hant|tw|hk|mo)\b/i.test(tag) ? "" : "zh-Hans") : tag.split("-")[0].toLowerCase();
  const wanted = [kept("shortly-locale") ?? "", ...navigator.languages, "en"].map(locale);
  const shown = wanted.find((name) => Object.hasOwn(TEXTS, name));
  root.lang = shown;
  document.addEventListener("readystatechange", () => {
    const [title, lead] = document.querySelectorAll(".frame h1, .frame p"); // once: the app takes the frame away
    if (!lead || title.textContent) return;
    title.textContent = TEXTS[shown].title;
    lead.textContent = TEXTS[shown].lead;
  });
})();

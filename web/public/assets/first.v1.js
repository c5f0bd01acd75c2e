// Runs before anything is drawn: the colours that somebody chose, and whether the frame of the screens is drawn at once.
// A new content needs a new name, as it is kept by browsers for ever; index.html names it.
(() => {
  const root = document.documentElement;
  let chosen = null;
  try {
    chosen = localStorage.getItem("mantine-color-scheme-value");
  } catch {
    // storage is closed here: the system's colours
  }
  const dark = chosen === "dark" || (chosen !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
  root.dataset.mantineColorScheme = dark ? "dark" : "light";
  const doors = /^\/app\/(sign-in|setup|forgot|reset-password|invitation|second-factor|welcome)\/?$/;
  if (!doors.test(location.pathname)) root.classList.add("inside");
})();

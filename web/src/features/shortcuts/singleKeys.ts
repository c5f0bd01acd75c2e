const NAME = "shortly-single-keys";

/** Whether keys without Ctrl do something: who speaks to their device, or touches keys unawares, can switch that off. */
export function singleKeysAreOn(): boolean {
  return localStorage.getItem(NAME) !== "off";
}

/** Keep in this browser whether they do. */
export function switchSingleKeys(on: boolean) {
  if (on) localStorage.removeItem(NAME);
  else localStorage.setItem(NAME, "off");
}

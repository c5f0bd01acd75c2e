/** Return the one-time token that a link brought after `#token=`, and take it out of the address and the history. */
export function takeToken(): string {
  const token = new URLSearchParams(window.location.hash.slice(1)).get("token") ?? "";
  if (token) window.history.replaceState(window.history.state, "", window.location.pathname + window.location.search);
  return token;
}

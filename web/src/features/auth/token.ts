/** Return the one-time token that a link brought after `#token=`, and take it out of the address and the history. */
export function takeToken(): string {
  return taken((hash) => new URLSearchParams(hash).get("token") ?? "");
}

const KEPT = "shortly-invitation";

/** Return the secret of an invitation, all that stands after `#`; it is kept while its owner signs in first. */
export function takeInvitation(): string {
  const secret = taken((hash) => hash);
  if (secret) sessionStorage.setItem(KEPT, secret);
  return secret || (sessionStorage.getItem(KEPT) ?? "");
}

export const forgetInvitation = () => sessionStorage.removeItem(KEPT);

function taken(read: (hash: string) => string): string {
  const secret = read(window.location.hash.slice(1));
  if (secret) window.history.replaceState(window.history.state, "", window.location.pathname + window.location.search);
  return secret;
}

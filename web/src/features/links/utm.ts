/** The campaign parameters of a target, in the order in which people fill them in. */
export const UTM = ["source", "medium", "campaign", "term", "content"] as const;
export type Utm = (typeof UTM)[number];

/** Read one parameter of a target; an address that is not whole yet has none. */
export function readUtm(target: string, name: Utm): string {
  return urlOf(target)?.searchParams.get(`utm_${name}`) ?? "";
}

/** Return the target with this parameter, or without it when it is empty; everything else stays as it was. */
export function withUtm(target: string, name: Utm, value: string): string {
  const url = urlOf(target);
  if (!url) return target;
  if (value) url.searchParams.set(`utm_${name}`, value);
  else url.searchParams.delete(`utm_${name}`);
  return url.toString();
}

export function urlOf(target: string): URL | undefined {
  try {
    const url = new URL(target);
    return /^https?:$/.test(url.protocol) ? url : undefined;
  } catch {
    return undefined;
  }
}

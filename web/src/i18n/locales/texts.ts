/** Texts of one area, which the name of its file tells: `locales/<locale>/<area>.json`. */
export interface Texts {
  [name: string]: string | Texts;
}

/** Join the areas of one locale, given by their files. */
export function joined(files: Record<string, Texts>): Texts {
  return Object.fromEntries(Object.entries(files).map(([path, texts]) => [areaOf(path), texts]));
}

const areaOf = (path: string) => path.slice(path.lastIndexOf("/") + 1, -".json".length);

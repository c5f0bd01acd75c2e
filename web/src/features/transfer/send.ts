import { type ImportedOut, importLinks, type NewLink } from "../../api/generated";
import { unwrap } from "../../api/http";

export const STEP = 250;
export type Existing = "skip" | "overwrite" | "refuse";

/**
 * Send rows a step at a time; what was sent stays when it breaks off, and can be sent again without harm.
 *
 * @param onStep hears the results so far
 */
export async function send(
  rows: NewLink[],
  options: { existing: Existing; dry_run: boolean },
  onStep: (results: ImportedOut[]) => void,
): Promise<ImportedOut[]> {
  const results: ImportedOut[] = [];
  for (let start = 0; start < rows.length; start += STEP) {
    const step = await unwrap(importLinks({ body: { rows: rows.slice(start, start + STEP), ...options } }));
    results.push(...step.results);
    onStep([...results]);
  }
  return results;
}

export const OUTCOMES = ["created", "exists", "overwritten", "refused"] as const;

/** How many rows came out in each way. */
export function tally(results: ImportedOut[]): Record<(typeof OUTCOMES)[number], number> {
  const counts = { created: 0, exists: 0, overwritten: 0, refused: 0 };
  for (const { outcome } of results) counts[outcome] += 1;
  return counts;
}

import { editLinks, type LinkOut, listLinks } from "../../api/generated";
import { unwrap } from "../../api/http";

export type Kind = "tag" | "folder";
export const STEP = 200;
const ROUNDS = 5;

/** Return a link's tags with one of them replaced, or taken away where `to` is null. */
export function replacedTags(tags: string[], from: string, to: string | null): string[] {
  return [...new Set(tags.flatMap((tag) => (tag !== from ? [tag] : to === null ? [] : [to])))];
}

/**
 * Give all links that have a label another one, or none; a step at a time, so that nothing waits for long.
 * What somebody else changes at the same moment is read again and tried anew. Safe to begin again after a break.
 *
 * @param onStep hears of how many links were done, all in all
 * @returns how many links could not be changed
 */
export async function relabel(
  kind: Kind,
  from: string,
  to: string | null,
  onStep: (done: number) => void,
): Promise<number> {
  let done = 0;
  let failed = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    failed = 0;
    for (const state of [undefined, "archived"] as const) {
      let cursor: string | undefined;
      do {
        const filter = kind === "tag" ? { tag: [from] } : { folder: from };
        const page = await unwrap(listLinks({ query: { ...filter, state, sort: "created_at", limit: STEP, cursor } }));
        if (page.items.length) {
          const answer = await unwrap(
            editLinks({ body: { edits: page.items.map((link) => edit(kind, link, from, to)) } }),
          );
          done += answer.succeeded;
          failed += answer.failed;
          onStep(done);
        }
        cursor = page.next_cursor ?? undefined;
      } while (cursor);
    }
    if (failed === 0) return 0;
  }
  return failed;
}

function edit(kind: Kind, link: LinkOut, from: string, to: string | null) {
  const changes = kind === "tag" ? { tags: replacedTags(link.tags, from, to) } : { folder: to ?? "" };
  return { slug: link.slug, domain: link.domain, version: link.version, changes };
}

import {
  type BulkResults,
  deleteLinks,
  editLinks,
  type LinkChanges,
  type LinkOut,
  restoreLinks,
} from "../../api/generated";
import { unwrap } from "../../api/http";
import { asBefore } from "./values";

/** Links of one request; the server takes 5000. */
const STEP = 1_000;

/** What became of many links, and how to take it back. */
export interface Done {
  kind: "changed" | "deleted";
  succeeded: number;
  failed: number;
  undo: () => Promise<unknown>;
}

const placeOf = (link: LinkOut) => ({ slug: link.slug, domain: link.domain });

/** Change links, each in its own way; undoing gives the changed fields the values that they had. */
export async function change(links: LinkOut[], changesOf: (link: LinkOut) => LinkChanges): Promise<Done> {
  const edit = (edits: Edit[]) => inSteps(edits, (some) => unwrap(editLinks({ body: { edits: some } })));
  const done = await edit(links.map((link) => ({ ...placeOf(link), changes: changesOf(link) })));
  const backwards = succeeded(links, done).map((link) => ({
    ...placeOf(link),
    changes: asBefore(link, Object.keys(changesOf(link))),
  }));
  return { ...done, kind: "changed", undo: () => edit(backwards) };
}

/** Delete links; undoing restores them with their counts. */
export async function remove(links: LinkOut[]): Promise<Done> {
  const done = await inSteps(links.map(placeOf), (some) => unwrap(deleteLinks({ body: { links: some } })));
  const gone = succeeded(links, done).map(placeOf);
  return {
    ...done,
    kind: "deleted",
    undo: () => inSteps(gone, (some) => unwrap(restoreLinks({ body: { links: some } }))),
  };
}

type Edit = ReturnType<typeof placeOf> & { changes: LinkChanges };

/** Ask for as many at once as the server takes; when a later request fails, what is left has failed, too. */
async function inSteps<T>(entries: T[], ask: (some: T[]) => Promise<BulkResults>): Promise<BulkResults> {
  const whole: BulkResults = { results: [], succeeded: 0, failed: 0 };
  for (let begin = 0; begin < entries.length; begin += STEP) {
    try {
      const done = await ask(entries.slice(begin, begin + STEP));
      whole.results.push(...done.results);
      whole.succeeded += done.succeeded;
      whole.failed += done.failed;
    } catch (error) {
      if (begin === 0) throw error;
      whole.failed += entries.length - begin;
      break;
    }
  }
  return whole;
}

const succeeded = (links: LinkOut[], { results }: BulkResults) =>
  links.filter((_, place) => results[place] !== undefined && !results[place].error);

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
  const edits = links.map((link) => ({ ...placeOf(link), changes: changesOf(link) }));
  const done = await unwrap(editLinks({ body: { edits } }));
  const changed = succeeded(links, done);
  const backwards = changed.map((link) => ({
    ...placeOf(link),
    changes: asBefore(link, Object.keys(changesOf(link))),
  }));
  return { ...done, kind: "changed", undo: () => unwrap(editLinks({ body: { edits: backwards } })) };
}

/** Delete links; undoing restores them with their counts. */
export async function remove(links: LinkOut[]): Promise<Done> {
  const done = await unwrap(deleteLinks({ body: { links: links.map(placeOf) } }));
  const gone = succeeded(links, done).map(placeOf);
  return { ...done, kind: "deleted", undo: () => unwrap(restoreLinks({ body: { links: gone } })) };
}

const succeeded = (links: LinkOut[], done: BulkResults) => links.filter((_, place) => !done.results[place]?.error);

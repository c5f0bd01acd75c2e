import { beforeEach, expect, test, vi } from "vitest";
import type { LinkOut } from "../../api/generated";
import { client } from "../../api/generated/client.gen";
import { change, remove } from "./bulk";

const links = Array.from({ length: 2_500 }, (_, nth) => ({ slug: `l${nth}`, domain: "", folder: "old" }) as LinkOut);

/** What was asked for: how many links each request named, and of which door. */
let asked: [string, number][];
/** By request: how many of its links are refused, or that it gets no answer. */
let answers: (number | "silence")[];

beforeEach(() => {
  asked = [];
  answers = [];
  client.setConfig({ baseUrl: "http://localhost" });
  vi.stubGlobal("fetch", async (request: Request) => {
    const body = (await request.json()) as Record<string, unknown[]>;
    const count = Object.values(body)[0]?.length ?? 0;
    asked.push([`${request.method} ${new URL(request.url).pathname}`, count]);
    const refused = answers.shift() ?? 0;
    if (refused === "silence") throw new TypeError("no answer");
    const results = Array.from({ length: count }, (_, place) =>
      place < refused ? { status: 404, error: { code: "link_not_found" } } : { status: 200 },
    );
    return Response.json({ results, succeeded: count - refused, failed: refused });
  });
});

const counts = () => asked.map(([, count]) => count);

test("more links than one request takes are changed in steps, and so is what takes it back", async () => {
  const done = await change(links, () => ({ folder: "new" }));
  expect([done.succeeded, done.failed]).toEqual([2_500, 0]);
  expect(counts()).toEqual([1_000, 1_000, 500]);
  asked = [];
  await done.undo();
  expect(counts()).toEqual([1_000, 1_000, 500]);
  expect(new Set(asked.map(([door]) => door)).size).toBe(1);
});

test("what was refused, or not answered any more, is not taken back", async () => {
  answers = [3, "silence"];
  const done = await remove(links);
  expect([done.succeeded, done.failed]).toEqual([997, 3 + 1_500]);
  asked = [];
  await done.undo();
  expect(counts()).toEqual([997]);
});

test("when nothing at all was answered, that is an error", async () => {
  answers = ["silence"];
  await expect(remove(links)).rejects.toThrow();
});

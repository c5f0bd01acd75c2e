import { MantineProvider } from "@mantine/core";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { cleanup, render, screen, within } from "@testing-library/react";
import { beforeAll, beforeEach, expect, test, vi } from "vitest";
import type { SystemStatus } from "../../api/generated";
import { client } from "../../api/generated/client.gen";
import { startTranslations } from "../../i18n";
import { SystemScreen } from "./SystemScreen";

const GB = 1024 ** 3;
const WELL: SystemStatus = {
  version: "1.2.3",
  python: "3.14.0",
  now: "2026-11-30T12:00:00Z",
  started_at: "2026-11-30T11:00:00Z",
  uptime_s: 3_600,
  workers: 2,
  workers_wanted: 2,
  store: { kind: "sqlite", status: "ok", answers_in_ms: 1.5, warnings: [] },
  journal: {
    status: "ok",
    drains: 1,
    lag_s: 0,
    lag_bytes: 0,
    bytes: 1024,
    max_bytes: GB,
    clicks_written: 12,
    clicks_folded: 12,
    clicks_dropped: 0,
    clicks_corrupt: 0,
  },
  disk: { free_bytes: 60 * GB, total_bytes: 100 * GB, database_bytes: GB },
  backups: {
    status: "ok",
    count: 7,
    bytes: 7 * GB,
    newest_at: "2026-11-30T03:00:00Z",
    newest_bytes: GB,
    encrypted: true,
    changes: "kept",
    changes_until: "2026-11-30T11:59:00Z",
  },
};

beforeAll(async () => {
  await startTranslations();
  client.setConfig({ baseUrl: "http://localhost" });
});

beforeEach(cleanup);

function show(status: SystemStatus) {
  vi.stubGlobal("fetch", async () => Response.json(status));
  render(
    <MantineProvider>
      <QueryClientProvider client={new QueryClient()}>
        <SystemScreen />
      </QueryClientProvider>
    </MantineProvider>,
  );
}

test("a node that does well says so, with its backups", async () => {
  show(WELL);
  const backups = await screen.findByRole("region", { name: "Backups" });
  expect(within(backups).getByRole("row", { name: /All together/ }).textContent).toContain("7 · 7");
  expect(within(backups).getByRole("row", { name: /Encrypted/ }).textContent).toContain("Yes");
  expect(screen.getByRole("alert").textContent).toBe("All is well");
  expect(screen.queryByText("Trouble")).toBeNull();
});

test("whatever goes wrong is said above everything, and beside what it is about", async () => {
  show({
    ...WELL,
    workers: 1,
    store: { kind: "redis", status: "unavailable", answers_in_ms: null, warnings: ["The server keeps no AOF."] },
    journal: { ...WELL.journal, status: "refusing", drains: 0, lag_s: 90, clicks_dropped: 3 },
    disk: { free_bytes: 10 * GB, total_bytes: 100 * GB, database_bytes: null },
    backups: { ...WELL.backups, status: "late", changes: "late" },
  });
  const worries = await screen.findAllByRole("listitem");
  expect(worries.map((worry) => worry.textContent)).toEqual([
    expect.stringContaining("The store does not answer"),
    expect.stringContaining("no room"),
    expect.stringContaining("Nothing counts the clicks"),
    expect.stringContaining("more than a minute behind"),
    expect.stringContaining("Clicks were dropped"),
    expect.stringContaining("older than it should be"),
    expect.stringContaining("not being kept"),
    expect.stringContaining("nearly full"),
    "The server keeps no AOF.",
  ]);
  for (const name of ["Store", "Click journal", "Disk", "Program", "Backups"])
    within(screen.getByRole("region", { name })).getByText("Trouble");
  expect(screen.getByRole("row", { name: /Clicks dropped/ }).textContent).toContain("3");
});

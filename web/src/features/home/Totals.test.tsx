import { MantineProvider } from "@mantine/core";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { render, screen, waitFor } from "@testing-library/react";
import { expect, test, vi } from "vitest";
import { client } from "../../api/generated/client.gen";
import { startTranslations } from "../../i18n";
import { todayQuery, weekQuery } from "./queries";
import { Totals } from "./Totals";

test("sums that are there stay when they cannot be asked for anew", async () => {
  await startTranslations();
  client.setConfig({ baseUrl: "http://localhost" }); // jsdom lends Request no address to begin from
  const asked = vi.fn(async () => new Response("{}", { status: 500, headers: { "Content-Type": "application/json" } }));
  vi.stubGlobal("fetch", asked);
  const cache = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  const show = () =>
    render(
      <MantineProvider>
        <QueryClientProvider client={cache}>
          <Totals />
        </QueryClientProvider>
      </MantineProvider>,
    );
  const first = show();
  await screen.findByRole("alert"); // with nothing to show, it says so
  first.unmount();
  for (const { queryKey } of [todayQuery, weekQuery])
    cache.setQueryData(queryKey, { humans: 4321, previous: null } as never, { updatedAt: 1 });
  asked.mockClear();
  show();
  await waitFor(() => expect(asked).toHaveBeenCalledTimes(2));
  await waitFor(() => expect(cache.getQueryState(todayQuery.queryKey)?.status).toBe("error"));
  await waitFor(() => expect(cache.getQueryState(weekQuery.queryKey)?.status).toBe("error"));
  expect(screen.getAllByText("4,321")).toHaveLength(2);
  expect(screen.queryByRole("alert")).toBeNull();
});

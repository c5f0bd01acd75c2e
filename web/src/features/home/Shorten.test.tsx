import { MantineProvider } from "@mantine/core";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, test, vi } from "vitest";
import { client } from "../../api/generated/client.gen";
import { startTranslations } from "../../i18n";
import { Shorten, withScheme } from "./Shorten";

test.each([
  ["example.com/x", "https://example.com/x"],
  [" example.com:8080/x ", "https://example.com:8080/x"],
  ["http://example.com", "http://example.com"],
  ["HTTPS://example.com", "HTTPS://example.com"],
  ["mailto:a@example.com", "mailto:a@example.com"],
])("%s is meant as %s", (typed, meant) => {
  expect(withScheme(typed)).toBe(meant);
});

test("a refusal is shown at the field, and what was typed stays", async () => {
  await startTranslations();
  client.setConfig({ baseUrl: "http://localhost" }); // jsdom lends Request no address to begin from
  const problem = { code: "invalid_target", detail: "The target is no web address.", status: 422 };
  vi.stubGlobal(
    "fetch",
    async () => new Response(JSON.stringify(problem), { status: 422, headers: { "Content-Type": "application/json" } }),
  );
  render(
    <MantineProvider>
      <QueryClientProvider client={new QueryClient()}>
        <Shorten />
      </QueryClientProvider>
    </MantineProvider>,
  );
  const field = screen.getByLabelText<HTMLInputElement>("Long address");
  await userEvent.type(field, "nonsense{Enter}");
  await screen.findByText("The target is no web address.");
  expect(field.getAttribute("aria-invalid")).toBe("true");
  expect(field.value).toBe("nonsense");
});

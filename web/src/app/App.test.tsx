import { cleanup, render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { beforeAll, beforeEach, expect, test, vi } from "vitest";
import { client } from "../api/generated/client.gen";
import { queryClient } from "../api/queryClient";
import { startTranslations } from "../i18n";
import { App } from "./App";
import { router } from "./router";

const USER = { id: 1, email: "ada@example.com", name: "Ada", admin: true, locale: "" };
const SESSION = { id: 5, current: true, how: "password", second_factor: false };
const ME = {
  actor: "user:1",
  user: USER,
  session: SESSION,
  workspace_id: 1,
  permissions: ["links:read", "installation"],
};
const METHODS = { setup: true, passkeys: false, oidc: "Example ID", password_by_mail: false };
const EMPTY = { items: [], next_cursor: null, more: [], complete: true };
const refusal = (status: number, code: string) => ({ status, body: { code, detail: code, status } });

/** What the server says, by method and path; a list is said one after the other, its last one for ever. */
let said: Record<string, { status: number; body: unknown }[]>;

beforeAll(async () => {
  await startTranslations();
  client.setConfig({ baseUrl: "http://localhost" });
});

beforeEach(() => {
  cleanup();
  queryClient.clear();
  window.scrollTo = () => {};
  said = {
    "GET /api/v1/auth/methods": [{ status: 200, body: METHODS }],
    "GET /api/v1/auth/me": [refusal(401, "unauthenticated"), { status: 200, body: ME }],
  };
  vi.stubGlobal("fetch", async (request: Request) => {
    const key = `${request.method} ${new URL(request.url).pathname}`;
    const answers = said[key] ?? [{ status: 200, body: EMPTY }];
    const { status, body } = (answers.length > 1 ? answers.shift() : answers[0]) as { status: number; body: unknown };
    return new Response(JSON.stringify(body), { status, headers: { "Content-Type": "application/json" } });
  });
});

function open(path: string) {
  router.history.replace(path);
  render(<App />);
}

test("after the set-up there is a welcome, which can be skipped", async () => {
  said["GET /api/v1/auth/me"] = [{ status: 200, body: ME }];
  said["POST /api/v1/auth/setup"] = [{ status: 201, body: { user: USER, session: SESSION } }];
  open("/app/setup#token=abc");
  await userEvent.type(await screen.findByLabelText(/E-mail/), "ada@example.com");
  await userEvent.type(screen.getByLabelText(/^Password/), "an owl eats at night");
  await userEvent.click(screen.getByRole("button", { name: "Begin" }));
  await userEvent.click(await screen.findByRole("button", { name: "Skip" }, { timeout: 60_000 }));
  await screen.findByRole("heading", { name: "Shorten a link" }, { timeout: 60_000 });
  expect(window.location.pathname).toBe("/");
}, 180_000);

test("who has an authenticator app is asked for a code in a second step", async () => {
  said["POST /api/v1/auth/sign-in"] = [
    refusal(401, "second_factor_needed"),
    refusal(401, "wrong_code"),
    { status: 200, body: { user: USER, session: SESSION } },
  ];
  open("/");
  await userEvent.type(await screen.findByLabelText(/E-mail/, {}, { timeout: 60_000 }), "ada@example.com");
  expect(screen.getByRole("link", { name: "Sign in with Example ID" }).getAttribute("href")).toContain(
    "oidc/start?next=",
  );
  await userEvent.type(screen.getByLabelText(/^Password/), "an owl eats at night{Enter}");
  const code = await screen.findByLabelText(/^Code/);
  await userEvent.type(code, "000000{Enter}");
  expect((await screen.findByRole("alert")).textContent).toContain("wrong_code");
  await userEvent.clear(code);
  await userEvent.type(code, "123456{Enter}");
  await screen.findByRole("heading", { name: "Shorten a link" }, { timeout: 60_000 });
}, 180_000);

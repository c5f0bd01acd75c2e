import { act, cleanup, render, renderHook, screen } from "@testing-library/react";
import { beforeEach, expect, test, vi } from "vitest";
import { Announcer } from "./Announcer";
import { announce, useAnnounced } from "./announce";

beforeEach(cleanup);

test("the same words are told anew, and are gone after a while", () => {
  vi.useFakeTimers();
  try {
    render(<Announcer />);
    const region = screen.getByRole("status");
    act(() => announce("Copied"));
    const first = region.firstChild;
    expect(region.textContent).toBe("Copied");
    act(() => announce("Copied"));
    expect(region.firstChild).not.toBe(first);
    expect(region.textContent).toBe("Copied");
    act(() => void vi.advanceTimersByTime(10_000));
    expect(region.textContent).toBe("");
  } finally {
    vi.useRealTimers();
  }
});

test("what a screen begins with is not told, what another search brings is, once it is there", () => {
  render(<Announcer />);
  const region = screen.getByRole("status");
  const asked = renderHook(({ q, text }) => useAnnounced(q, text), {
    initialProps: { q: "", text: "3 results" as string | undefined },
  });
  expect(region.textContent).toBe("");
  asked.rerender({ q: "", text: "4 results" }); // more was read of the same
  expect(region.textContent).toBe("");
  asked.rerender({ q: "a", text: undefined });
  expect(region.textContent).toBe("");
  act(() => asked.rerender({ q: "a", text: "1 result" }));
  expect(region.textContent).toBe("1 result");
});

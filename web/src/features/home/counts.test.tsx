import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { renderHook } from "@testing-library/react";
import type { ReactNode } from "react";
import { expect, test, vi } from "vitest";
import { useCountsThatFollow } from "./live";

test("other counts are asked for anew when clicks come, and not for each of them", () => {
  vi.useFakeTimers();
  try {
    const cache = new QueryClient();
    const asked = vi.spyOn(cache, "invalidateQueries");
    const wrapper = ({ children }: { children: ReactNode }) => (
      <QueryClientProvider client={cache}>{children}</QueryClientProvider>
    );
    const hook = renderHook(({ clicks }) => useCountsThatFollow(clicks), {
      wrapper,
      initialProps: { clicks: undefined as number | undefined },
    });
    const show = (clicks: number) => {
      hook.rerender({ clicks });
      vi.advanceTimersByTime(1_000);
    };
    show(4); // what is known at first is no news
    show(3); // nor is a minute that ended
    vi.advanceTimersByTime(60_000);
    expect(asked).not.toHaveBeenCalled();
    for (const clicks of [4, 5, 6]) show(clicks);
    vi.advanceTimersByTime(60_000);
    expect(asked).toHaveBeenCalledTimes(4); // once for each count on the screen
    show(7);
    hook.unmount();
    vi.advanceTimersByTime(60_000);
    expect(asked).toHaveBeenCalledTimes(4);
  } finally {
    vi.useRealTimers();
  }
});

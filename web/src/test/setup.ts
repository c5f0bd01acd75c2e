import { cleanup, configure } from "@testing-library/react";
import { afterEach, vi } from "vitest";

// What browsers have and jsdom lacks, as far as the components ask for it.
Object.defineProperty(window, "matchMedia", {
  value: (query: string) => ({
    matches: false,
    media: query,
    addEventListener: () => {},
    removeEventListener: () => {},
    addListener: () => {},
    removeListener: () => {},
  }),
});
class Observer {
  observe() {}
  unobserve() {}
  disconnect() {}
}
vi.stubGlobal("ResizeObserver", Observer);
afterEach(cleanup);
configure({ asyncUtilTimeout: 15_000 }); // on a machine that is busy with other things

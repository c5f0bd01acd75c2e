// The frame of index.html is drawn first; what draws the app is on its way meanwhile, as index.html names it.
import { watchForInstall } from "./features/pwa/install";

const DRAWN_MS = 200;

/** Return when the browser has drawn; soon in any case, as it draws nothing where nobody looks. */
function drawn(): Promise<void> {
  return new Promise((done) => {
    setTimeout(done, DRAWN_MS);
    requestAnimationFrame(() => setTimeout(done));
  });
}

watchForInstall();
drawn().then(() => import("./app/start"));

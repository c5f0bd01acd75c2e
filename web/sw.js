// Keeps the app's shell, so that it opens without a connection. Answers of the API are never kept.
// The build puts what it made in place of the two names below.
const VERSION = "__VERSION__";
const SHELL = ["/app", ...__FILES__];
const CACHE = `shortly-${VERSION}`;

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(SHELL)));
});

self.addEventListener("activate", (event) => {
  const old = caches
    .keys()
    .then((names) => names.filter((name) => name.startsWith("shortly-") && name !== CACHE))
    .then((names) => Promise.all(names.map((name) => caches.delete(name))));
  event.waitUntil(old.then(() => self.clients.claim()));
});

self.addEventListener("message", (event) => {
  if (event.data === "take over") self.skipWaiting();
});

self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== "GET" || url.origin !== location.origin) return;
  if (url.pathname.startsWith("/assets/")) event.respondWith(asset(event.request));
  else if (event.request.mode === "navigate" && (url.pathname === "/" || /^\/app(\/|$)/.test(url.pathname)))
    event.respondWith(fetch(event.request).catch(() => caches.match("/app")));
});

// Names of assets change with their contents, so what is kept is never out of date.
async function asset(request) {
  const kept = await caches.match(request);
  if (kept) return kept;
  const answer = await fetch(request);
  if (answer.ok) (await caches.open(CACHE)).put(request, answer.clone());
  return answer;
}

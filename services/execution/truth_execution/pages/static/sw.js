// @ts-check
/** The service worker: serves what pages kept when there is no connection. It keeps little itself and sends nothing. */

const SHELL = "truth-shell";
const PAGES = "truth-pages-";
const PATIENCE_MILLISECONDS = 4000;
const worker = /** @type {ServiceWorkerGlobalScope} */ (/** @type {unknown} */ (self));

worker.addEventListener("install", (event) => {
  event.waitUntil(caches.open(SHELL).then((shell) => shell.add("/offline")).then(() => worker.skipWaiting()));
});
worker.addEventListener("activate", (event) => event.waitUntil(worker.clients.claim()));
worker.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== location.origin) return;
  if (request.mode === "navigate" && (url.pathname === "/auth/callback" || url.pathname === "/signed-out")) event.respondWith(forgetPages().then(() => fetch(request)));
  else if (request.mode === "navigate" && /^\/(desk|jobs\/[0-9a-f-]+)$/.test(url.pathname)) event.respondWith(page(request, url.pathname));
  else if (/^\/(kit|static)\//.test(url.pathname)) event.respondWith(unchanging(request, SHELL));
  else if (/^\/evidence\/[0-9a-f]{64}\/thumb$/.test(url.pathname)) event.respondWith(ofSomebody(request));
});

/** As it is now; as it was kept when the connection is gone, or too slow to wait for. @param {Request} request @param {string} path */
async function page(request, path) {
  const kept = await caches.match(path);
  const fresh = fetch(request);
  try {
    if (!kept) return await fresh;
    const patience = new Promise((_, reject) => setTimeout(reject, PATIENCE_MILLISECONDS));
    return await /** @type {Promise<Response>} */ (Promise.race([fresh, patience]));
  } catch {
    fresh.catch(() => {});
    return kept ?? /** @type {Response} */ (await caches.match("/offline"));
  }
}

/** Somebody signs in or out: what was kept to be read goes, even if it was the same person. What is to be sent stays. */
async function forgetPages() {
  for (const name of await caches.keys()) if (name.startsWith(PAGES)) await caches.delete(name);
}

/** What its address names by its content never changes. @param {Request} request @param {string} cache */
async function unchanging(request, cache) {
  const kept = await caches.match(request.url);
  if (kept) return kept;
  const fresh = await fetch(request);
  if (fresh.ok) await (await caches.open(cache)).put(request.url, fresh.clone());
  return fresh;
}

/** Photos go with the pages of the person who is signed in. @param {Request} request */
async function ofSomebody(request) {
  const cache = (await caches.keys()).find((name) => name.startsWith(PAGES));
  return cache ? unchanging(request, cache) : fetch(request);
}

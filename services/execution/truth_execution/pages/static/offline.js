// @ts-check
/** Keeps pages readable without a connection: in one cache for each person, which goes when they do. */

const SHELL = "truth-shell";
const PAGES = "truth-pages-";
const KEPT_MAX = 50;

/** Keep this page and what it is made of, and let the worker serve them. @param {string} person */
export async function keepReadable(person) {
  for (const name of await caches.keys()) {
    if (name.startsWith(PAGES) && name !== PAGES + encodeURIComponent(person)) await caches.delete(name);
  }
  await navigator.serviceWorker?.register("/sw.js");
  const shell = await caches.open(SHELL);
  const loaded = performance.getEntriesByType("resource").map((entry) => new URL(entry.name));
  for (const url of loaded) {
    const isOurs = url.origin === location.origin && /^\/(kit|static)\/|^\/manifest/.test(url.pathname);
    if (isOurs && !(await shell.match(url.pathname))) await shell.add(url.pathname);
  }
}

/**
 * Read a page anew and keep it.
 * @param {string} person
 * @param {string} path
 * @returns {Promise<string | null>} its text; null when it could not be read
 */
export async function readAnew(person, path) {
  try {
    const answer = await fetch(path, { headers: { Accept: "text/html" }, redirect: "manual" });
    if (!answer.ok) return null; // to the sign-in, say
    const pages = await caches.open(PAGES + encodeURIComponent(person));
    await pages.put(path, answer.clone());
    return await answer.text();
  } catch {
    return null;
  }
}

/** Keep the Jobs that a Desk lists, unless they are done. @param {string} person */
export async function keepListed(person) {
  const links = /** @type {NodeListOf<HTMLAnchorElement>} */ (document.querySelectorAll('a[data-keeps="True"]'));
  for (const link of [...links].slice(0, KEPT_MAX)) await readAnew(person, link.pathname);
}

/** Leave nothing readable. */
export async function forgetPages() {
  for (const name of await caches.keys()) await caches.delete(name);
  for (const registered of (await navigator.serviceWorker?.getRegistrations()) ?? []) await registered.unregister();
}

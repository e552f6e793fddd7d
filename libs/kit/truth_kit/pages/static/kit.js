// @ts-check
/** What all pages do in the browser. Everything here is an addition: without it the pages still work. */

const announcer = /** @type {HTMLElement} */ (document.getElementById("announcer"));
const keysOn = /** @type {HTMLInputElement} */ (document.getElementById("keys-on"));
const KEYS_OFF = "truth-keys-off";
const AGAIN_MS = 5000;
const SIGNED_OUT = 401;

/** Have a screen reader say `text`; the same text twice is said twice. @param {string} text */
function announce(text) {
  announcer.textContent = "";
  setTimeout(() => { announcer.textContent = text; }, 50);
}

/** Times as the reader's clock shows them, ages as of now. @param {ParentNode} within */
function tellTimes(within) {
  for (const time of /** @type {NodeListOf<HTMLTimeElement>} */ (within.querySelectorAll("time[data-when]"))) {
    const at = new Date(time.dateTime);
    time.title = time.dateTime;
    time.textContent = at.toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "medium" });
  }
  for (const time of /** @type {NodeListOf<HTMLTimeElement>} */ (within.querySelectorAll("time[data-age]"))) {
    time.textContent = age((Date.now() - new Date(time.dateTime).getTime()) / 1000);
  }
}

/** @param {number} seconds */
function age(seconds) {
  if (seconds < 60) return `${Math.max(0, Math.round(seconds))} s ago`;
  if (seconds < 3600) return `${Math.round(seconds / 60)} min ago`;
  if (seconds < 172800) return `${Math.round(seconds / 3600)} h ago`;
  return `${Math.round(seconds / 86400)} days ago`;
}

/**
 * A live part's note that it stands still, and whether that is because nobody is signed in any more.
 * @param {EventTarget | null} part
 * @param {boolean} isStale
 * @param {boolean} [isSignedOut]
 */
function tellStale(part, isStale, isSignedOut = false) {
  if (!(part instanceof HTMLElement)) return;
  const note = /** @type {HTMLElement | null} */ (document.querySelector(`[data-stale-of="${CSS.escape(part.id)}"]`));
  if (!note) return;
  const [since, waits, ended] = ["since", "waits", "ended"].map((name) => /** @type {HTMLElement} */ (note.querySelector(`[data-stale-${name}]`)));
  if (note.hidden === !isStale && ended.hidden === !isSignedOut) return;
  if (note.hidden) since.textContent = new Date().toLocaleTimeString("en-GB");
  [note.hidden, waits.hidden, ended.hidden] = [!isStale, isSignedOut, !isSignedOut];
  ended.setAttribute("href", `/sign-in?to=${encodeURIComponent(location.pathname + location.search)}`);
  if (isStale) announce(note.innerText); // a status that appears is not read out everywhere
}

/**
 * A live part that never had its stream: htmx tries again only what was connected once. An answer that is no stream, a
 * problem or a sign-in, is not drawn into it. It goes on asking without a session too: there may be one again.
 * @param {Event} event
 */
function connectsAgain(event) {
  const part = event.target;
  if (!(part instanceof HTMLElement) || !part.hasAttribute("hx-sse:connect")) return;
  event.preventDefault();
  tellStale(part, true, /** @type {CustomEvent} */ (event).detail?.ctx?.response?.status === SIGNED_OUT);
  setTimeout(() => part.dispatchEvent(new Event("again")), AGAIN_MS);
}

/** @param {Event} event */
function opensOrCloses(event) {
  const clicked = event.target instanceof Element ? event.target : null;
  const opener = /** @type {HTMLElement | null} */ (clicked?.closest("[data-opens]") ?? null);
  if (opener) {
    const dialog = document.getElementById(opener.dataset.opens ?? "");
    if (dialog instanceof HTMLDialogElement) {
      event.preventDefault();
      dialog.showModal();
    }
  }
  if (clicked?.closest("[data-closes]")) clicked.closest("dialog")?.close();
  const copier = /** @type {HTMLElement | null} */ (clicked?.closest("[data-copies]") ?? null);
  if (copier) copy(copier);
}

/** @param {HTMLElement} copier */
async function copy(copier) {
  try {
    await navigator.clipboard.writeText(copier.dataset.copies ?? "");
    announce("Copied");
    const words = (copier.dataset.words ??= copier.textContent ?? ""); // of the first of two clicks
    copier.textContent = "Copied";
    setTimeout(() => { copier.textContent = words; }, 2000);
  } catch {
    announce("The browser does not let this page copy. Select the text instead.");
  }
}

/** One submit is enough: the form's buttons wait until the page is left or comes back. @param {SubmitEvent} event */
function submitsOnce(event) {
  const form = event.target;
  if (!(form instanceof HTMLFormElement) || event.defaultPrevented) return;
  setTimeout(() => {
    for (const button of form.querySelectorAll("button:not([type=button])")) button.setAttribute("disabled", "");
  });
}

/** @param {KeyboardEvent} event */
function shortcut(event) {
  const at = event.target instanceof Element ? event.target : null;
  const isTyping = at?.closest("input, textarea, select, [contenteditable], dialog[open]") != null;
  if (isTyping || !keysOn.checked || event.ctrlKey || event.metaKey || event.altKey) return;
  const rows = /** @type {HTMLElement[]} */ ([...document.querySelectorAll("[data-row]")]);
  const here = rows.findIndex((row) => row.contains(document.activeElement));
  switch (event.key) {
    case "/": {
      const search = /** @type {HTMLElement | null} */ (document.querySelector("[data-search]"));
      if (!search) return;
      search.focus();
      break;
    }
    case "?":
      /** @type {HTMLDialogElement} */ (document.getElementById("keys")).showModal();
      break;
    case "j":
      rows[Math.min(here + 1, rows.length - 1)]?.focus();
      break;
    case "k":
      rows[Math.max(here - 1, 0)]?.focus();
      break;
    default:
      return;
  }
  event.preventDefault();
}

/** What only works with this script is shown by it, what replaces it is hidden. @param {ParentNode} within */
function reveal(within) {
  for (const part of within.querySelectorAll("[data-without-scripts]")) part.setAttribute("hidden", "");
  for (const part of within.querySelectorAll("[data-copies][hidden], [data-opens][hidden]")) part.removeAttribute("hidden");
}

document.addEventListener("click", opensOrCloses);
document.addEventListener("submit", submitsOnce);
document.addEventListener("keydown", shortcut);
document.addEventListener("kit:announce", (event) => announce(String(/** @type {CustomEvent} */ (event).detail)));
document.addEventListener("htmx:error", connectsAgain);
document.addEventListener("htmx:before:response", connectsAgain); // told of no stream: the extension takes those
document.addEventListener("htmx:sse:error", (event) => {
  tellStale(event.target, true, /** @type {CustomEvent} */ (event).detail?.status === SIGNED_OUT);
});
document.addEventListener("away", (event) => tellStale(event.target, true));
document.addEventListener("htmx:sse:after:message", (event) => {
  const message = /** @type {CustomEvent} */ (event).detail?.message;
  tellStale(event.target, message?.event === "away");
  if (event.target instanceof Element) {
    reveal(event.target);
    tellTimes(event.target);
  }
});
document.addEventListener("kit:drawn", (event) => {
  if (!(event.target instanceof Element)) return;
  reveal(event.target);
  tellTimes(event.target);
});
addEventListener("pageshow", () => {
  for (const button of document.querySelectorAll("form button[disabled]")) button.removeAttribute("disabled");
});
keysOn.checked = localStorage.getItem(KEYS_OFF) === null;
keysOn.addEventListener("change", () => {
  if (keysOn.checked) localStorage.removeItem(KEYS_OFF);
  else localStorage.setItem(KEYS_OFF, "1");
});
reveal(document);
tellTimes(document);
setInterval(() => tellTimes(document), 15000);
/** @type {HTMLElement | null} */ (document.querySelector("[data-takes-focus]"))?.focus();

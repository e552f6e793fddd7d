// @ts-check
/** The Desk in the browser: forms and photos go to the outbox, pages stay readable, signing out leaves nothing. */

import { clock, decide, draw, nameOf, words } from "./items.js";
import * as kept from "./kept.js";
import { hashed, newItem, saidIn } from "./making.js";
import { forgetPages, keepListed, keepReadable, readAnew } from "./offline.js";
import { begin, put } from "./outbox.js";

const person = /** @type {HTMLElement} */ (document.getElementById("device")).dataset.person ?? "";
const acts = document.getElementById("acts");
const state = document.getElementById("state");
const job = acts?.dataset.job;
let isKeeping = false; // whether this browser can keep items: if not, forms go their own way
let shown = marks();

/** What the live part says that this page's forms and account depend on. */
function marks() {
  const live = /** @type {HTMLElement | null} */ (state?.querySelector("[data-mark]") ?? null);
  return { mark: live?.dataset.mark ?? "", pieces: live?.dataset.pieces ?? "" };
}

/** Say what went wrong, where it is seen and read out. @param {string} text */
function warn(text) {
  const told = document.getElementById("told");
  if (!told) return;
  told.textContent = text;
  told.hidden = text === "";
  if (text) told.focus();
}

/** Draw what waits; show the forms that a start still on this phone allows. */
async function redraw() {
  await draw(person, job);
  const mine = (await kept.list(person)).filter((item) => item.job === job);
  const isStarted = mine.some((item) => item.what === "start" && item.state !== "refused" && item.state !== "conflict");
  for (const part of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-once-started]"))) part.hidden = !isStarted;
}

/** Forms and files that only scripts can serve. */
function reveal() {
  for (const part of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-needs-script]"))) part.hidden = false;
}

/** Bring forms and account up to date, but never under somebody's fingers. */
async function refresh() {
  const text = await readAnew(person, location.pathname);
  if (!text || !acts) return;
  const fresh = new DOMParser().parseFromString(text, "text/html");
  replace("account", fresh);
  const mark = /** @type {HTMLElement | null} */ (fresh.querySelector("#state [data-mark]"))?.dataset.mark ?? "";
  const offersNothing = mark.startsWith("|");
  if (mark !== shown.mark && (offersNothing || !isTypingIn(acts))) {
    const hadFocus = acts.contains(document.activeElement);
    replace("acts", fresh);
    if (hadFocus) acts.focus();
    shown.mark = mark;
  }
  reveal();
  await redraw();
}

/** @param {HTMLElement} part */
function isTypingIn(part) {
  const at = part.contains(document.activeElement) ? document.activeElement : null;
  return at?.matches("textarea, select") || [...part.querySelectorAll("textarea")].some((area) => area.value !== area.defaultValue);
}

/** @param {string} id @param {Document} fresh */
function replace(id, fresh) {
  const [old, now] = [document.getElementById(id), fresh.getElementById(id)];
  if (!old || !now) return;
  old.replaceChildren(...[...now.childNodes].map((node) => document.importNode(node, true)));
  old.dispatchEvent(new CustomEvent("kit:drawn", { bubbles: true }));
}

/** Whether something may still be added to this Job on this phone; says why not. */
async function isOpen() {
  const closing = (await kept.list(person)).some((item) => item.job === job && item.what === "complete" && item.state === "waiting");
  if (closing) warn(words("closing"));
  return !closing;
}

/** @param {string} what @param {Record<string, string>} fields @param {ArrayBuffer | null} octets */
async function keep(what, fields, octets = null) {
  if (!job) return false;
  try {
    await put(newItem(person, job, what, fields), octets);
    navigator.storage?.persist?.();
    return true;
  } catch (error) {
    warn(words("notKept", { reason: String(error) }));
    return false;
  }
}

/** @param {HTMLFormElement} form */
async function give(form) {
  const what = form.dataset.outbox ?? "";
  if (!(await isOpen())) return;
  warn("");
  if (what === "complete") {
    const unsent = (await kept.list(person)).filter((item) => item.job === job && item.state !== "received");
    if (unsent.length > 0) {
      warn(words("unfinished", { names: unsent.map((item) => `${nameOf(item)} ${clock(item.at)}`).join(", ") }));
      return;
    }
  }
  if (await keep(what, saidIn(form))) form.reset();
}

/** @param {HTMLInputElement} input */
async function takePhotos(input) {
  const files = [...(input.files ?? [])];
  if (!acts || !(await isOpen())) return;
  warn("");
  const limit = Number(acts.dataset.bytesMax);
  const { origin = "captured", stage = "" } = input.dataset;
  for (const file of files) {
    if (file.size > limit) {
      warn(words("tooLarge", { name: file.name, limit: Math.floor(limit / 1048576) }));
      continue;
    }
    const { octets, sha256 } = await hashed(file);
    await keep("evidence", { sha256, origin, ...(stage ? { stage } : {}) }, octets);
  }
  input.value = "";
}

/** Before the kit's own listener, which would disable the buttons. @param {SubmitEvent} event */
async function submitted(event) {
  const form = event.target;
  if (!(form instanceof HTMLFormElement)) return;
  if (form.getAttribute("action") === "/sign-out") {
    event.preventDefault();
    await leave(form);
  } else if (form.dataset.outbox && isKeeping) {
    event.preventDefault();
    await give(form);
  } else if (!navigator.onLine) {
    event.preventDefault();
    warn(words("needsConnection"));
  }
}

/** @param {HTMLFormElement} form */
async function leave(form) {
  const unsent = await kept.countUnsent();
  if (unsent === 0) {
    await forget();
    form.submit();
    return;
  }
  /** @type {HTMLElement} */ (document.getElementById("leaving-count")).textContent = words("unsent", { count: unsent });
  const dialog = /** @type {HTMLDialogElement} */ (document.getElementById("leaving"));
  /** @type {HTMLButtonElement} */ (document.getElementById("leave")).onclick = async () => {
    await forget();
    form.submit();
  };
  dialog.showModal();
}

async function forget() {
  await kept.forget();
  await forgetPages();
}

async function start() {
  for (const item of await kept.list(person)) if (item.state === "received") await kept.remove(item);
  isKeeping = true;
  decide(person);
  reveal();
  begin(person, redraw, refresh);
  await redraw();
  try {
    await keepReadable(person);
    await readAnew(person, location.pathname);
    await keepListed(person);
  } catch (error) {
    console.info("Nothing is readable without a connection:", error);
  }
}

document.addEventListener("submit", submitted, true);
document.addEventListener("change", (event) => {
  if (event.target instanceof HTMLInputElement && event.target.type === "file") takePhotos(event.target);
});
if (state) {
  new MutationObserver(() => {
    const { mark, pieces } = marks();
    if (mark !== shown.mark || pieces !== shown.pieces) {
      shown.pieces = pieces;
      refresh();
    }
  }).observe(state, { subtree: true, childList: true, attributes: true });
}
start();

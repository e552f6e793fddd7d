// @ts-check
/** The Desk in the browser: forms and photos go to the outbox, pages stay readable, signing out leaves nothing. */

import { clock, decide, draw, nameOf, words } from "./items.js";
import * as kept from "./kept.js";
import { hashed, newItem, saidIn } from "./making.js";
import { forgetPages, keepListed, keepReadable, readAnew } from "./offline.js";
import { begin, put } from "./outbox.js";

/** @import {Item} from "./kept.js" */

const FORGET_MILLISECONDS = 2000;
const person = /** @type {HTMLElement} */ (document.getElementById("device")).dataset.person ?? "";
const acts = document.getElementById("acts");
const leaving = /** @type {HTMLDialogElement} */ (document.getElementById("leaving"));
const state = document.getElementById("state");
const job = acts?.dataset.job;
const page = job ? `/jobs/${job}` : "/desk"; // this one again: after a refused form its address cannot be read
const giving = /** @type {WeakSet<HTMLFormElement>} */ (new WeakSet());
const choosing = /** @type {Set<HTMLInputElement>} */ (new Set()); // held while the camera is open: they may leave the page
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

/** What this phone keeps of this Job. */
async function listOwn() {
  return (await kept.list(person)).filter((item) => item.job === job);
}

/** Draw what waits; show the forms that a start still on this phone allows, and which commands were given already. */
async function redraw() {
  await draw(person, job);
  const own = await listOwn();
  for (const part of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-once-started]"))) part.hidden = !isGiven(own, "start", {});
  for (const form of /** @type {NodeListOf<HTMLFormElement>} */ (document.querySelectorAll("form[data-outbox]"))) {
    const isDone = isGiven(own, form.dataset.outbox ?? "", saidIn(form));
    for (const button of form.querySelectorAll("button")) {
      if (isDone) button.setAttribute("aria-disabled", "true");
      else button.removeAttribute("aria-disabled");
    }
  }
}

/** Whether a command that can be given once waits here, or went out from here. @param {Item[]} own @param {string} what @param {Record<string, string>} fields */
function isGiven(own, what, fields) {
  if (what === "note") return false;
  return own.some((item) => item.what === what && item.fields.name === fields.name && (item.state === "waiting" || item.state === "received"));
}

/** Forms and files that only scripts can serve. A file's input is listened to itself: it may leave the page while the camera is open. */
function reveal() {
  for (const part of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-needs-script]"))) part.hidden = false;
  for (const input of /** @type {NodeListOf<HTMLInputElement>} */ (document.querySelectorAll("input[type=file]"))) {
    input.onclick = () => choosing.add(input);
    input.oncancel = () => choosing.delete(input);
    input.onchange = () => takePhotos(input);
  }
}

/** Bring forms and account up to date, but never under somebody's fingers. */
async function refresh() {
  const text = await readAnew(person, page);
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
  const closing = (await listOwn()).some((item) => item.what === "complete" && item.state === "waiting");
  if (closing) warn(words("closing"));
  return !closing;
}

/** Rejects when this browser could not keep it. @param {string} what @param {Record<string, string>} fields @param {ArrayBuffer | null} octets */
async function keep(what, fields, octets = null) {
  await put(newItem(person, job ?? "", what, fields), octets);
  navigator.storage?.persist?.();
}

/** Keep a form's command, once however often it is tapped meanwhile. @param {HTMLFormElement} form */
async function give(form) {
  if (giving.has(form)) return;
  giving.add(form);
  const what = form.dataset.outbox ?? "";
  try {
    await giveOnce(form, what);
  } catch (error) {
    warn(words("notKept", { name: words(what), reason: String(error) }));
  } finally {
    giving.delete(form);
  }
}

/** @param {HTMLFormElement} form @param {string} what */
async function giveOnce(form, what) {
  const fields = saidIn(form);
  const own = await listOwn();
  if (isGiven(own, what, fields) || !(await isOpen())) return;
  warn("");
  const unsent = own.filter((item) => item.state !== "received");
  if (what === "complete" && unsent.length > 0) {
    warn(words("unfinished", { names: unsent.map((item) => `${nameOf(item)} ${clock(item.at)}`).join(", ") }));
    return;
  }
  await keep(what, fields);
  form.reset();
}

/** Keep what was chosen; what could not be kept is told by name. @param {HTMLInputElement} input */
async function takePhotos(input) {
  choosing.delete(input);
  const files = [...(input.files ?? [])];
  try {
    if (!(await isOpen())) return;
    const failed = [];
    for (const file of files) failed.push(await takePhoto(file, input.dataset));
    warn(failed.filter(Boolean).join(" "));
  } catch (error) {
    warn(words("notKept", { name: words("photo"), reason: String(error) }));
  } finally {
    input.value = "";
  }
}

/** @param {File} file @param {DOMStringMap} about @returns {Promise<string>} why it was not kept, or "" */
async function takePhoto(file, { origin = "captured", stage = "" }) {
  const limit = Number(acts?.dataset.bytesMax);
  if (file.size > limit) return words("tooLarge", { name: file.name, limit: Math.floor(limit / 1048576) });
  try {
    const { octets, sha256 } = await hashed(file);
    await keep("evidence", { sha256, origin, ...(stage ? { stage } : {}) }, octets);
    return "";
  } catch (error) {
    return words("notKept", { name: file.name, reason: String(error) });
  }
}

/** Before the kit's own listener, which would disable the buttons. @param {SubmitEvent} event */
async function submitted(event) {
  const form = event.target;
  if (!(form instanceof HTMLFormElement)) return;
  if (form.id === "sign-out") {
    event.preventDefault();
    if (navigator.onLine) await leave();
    else warn(words("notLeft"));
  } else if (form.dataset.outbox && isKeeping) {
    event.preventDefault();
    await give(form);
  } else if (!navigator.onLine) {
    event.preventDefault();
    warn(words("needsConnection"));
  }
}

/** Sign out, but first ask if something would be lost, or if that cannot be seen. */
async function leave() {
  const unsent = await kept.countUnsent().catch(() => null);
  if (unsent === 0) {
    await signOut();
    return;
  }
  /** @type {HTMLElement} */ (document.getElementById("leaving-count")).textContent = unsent === null ? words("unseen") : words("unsent", { count: unsent });
  /** @type {HTMLButtonElement} */ (document.getElementById("leave")).onclick = signOut;
  leaving.showModal();
}

/** Only what the server has answered is a sign-out; before it nothing is forgotten. By now the person was asked. */
async function signOut() {
  leaving.close();
  const answer = await fetch("/sign-out", { method: "POST", redirect: "manual" }).catch(() => null);
  if (answer?.type !== "opaqueredirect") {
    warn(words("notLeft"));
    return;
  }
  // The browser was told to do the same (Clear-Site-Data), and may close or hold under it what is forgotten here.
  const patience = new Promise((resolve) => setTimeout(resolve, FORGET_MILLISECONDS));
  await Promise.race([Promise.allSettled([kept.forget(), forgetPages()]), patience]);
  location.assign("/signed-out");
}

async function start() {
  try {
    for (const item of await kept.list(person)) if (item.state === "received") await kept.remove(item);
  } catch (error) {
    console.info("This browser keeps nothing:", error);
    return;
  }
  isKeeping = true;
  decide(person);
  reveal();
  begin(person, redraw, refresh);
  await redraw();
  try {
    await keepReadable(person);
    await readAnew(person, page);
    await keepListed(person);
  } catch (error) {
    console.info("Nothing is readable without a connection:", error);
  }
}

document.addEventListener("submit", submitted, true);
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

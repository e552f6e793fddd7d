// @ts-check
/** Draws what waits on this phone, and lets its person decide about what was not taken. */

import * as kept from "./kept.js";
import { newId } from "./making.js";
import { changed, flush, now } from "./outbox.js";

/** @import {Item} from "./kept.js" */

const device = /** @type {HTMLElement} */ (document.getElementById("device"));
const template = /** @type {HTMLTemplateElement} */ (document.getElementById("item"));
const section = document.getElementById("waiting");
const rows = document.getElementById("items");
/** @type {Promise<void> | null} */ let drawing = null;
let isStale = false;
/** @type {Item | null} */ let discarding = null;

/** A sentence of the page's, with what belongs into it. @param {string} name @param {Record<string, string | number>} given */
export function words(name, given = {}) {
  const text = device.dataset[`word${name[0].toUpperCase()}${name.slice(1)}`] ?? name;
  return Object.entries(given).reduce((told, [key, value]) => told.replace(`{${key}}`, String(value)), text);
}

/** @param {string} at */
export function clock(at) {
  return new Date(at).toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
}

/** What an item is, in a few words. @param {Item} item */
export function nameOf(item) {
  const kind = item.what === "evidence" ? (item.fields.origin === "imported" ? "imported" : "photo") : item.what;
  return words(kind);
}

/**
 * Draw a person's items, those of `job` or all; one drawing after the other, so that the last one tells last.
 * @param {string} person
 * @param {string | undefined} job
 */
export function draw(person, job) {
  isStale = true;
  drawing ??= (async () => {
    try {
      while (isStale) {
        isStale = false;
        await drawAll(person, job);
      }
    } finally {
      drawing = null;
    }
  })();
  return drawing;
}

/** @param {string} person @param {string | undefined} job */
async function drawAll(person, job) {
  const all = await kept.list(person);
  drawUnsent(all);
  if (!section || !rows) return;
  const mine = all.filter((item) => !job || item.job === job);
  const waiting = mine.filter((item) => item.state === "waiting");
  const undecided = mine.filter((item) => item.state === "refused" || item.state === "conflict");
  const text = told(waiting, undecided);
  tell(document.getElementById("waiting-told"), text);
  if (section.hidden && mine.length > 0) document.dispatchEvent(new CustomEvent("kit:announce", { detail: text })); // it appears: nobody reads that out
  section.hidden = mine.length === 0;
  /** @type {HTMLElement} */ (document.getElementById("sign-in-to-send")).hidden = !now.isSignInNeeded;
  /** @type {HTMLElement} */ (document.getElementById("send-now")).hidden = waiting.length === 0;
  for (const row of [...rows.children]) {
    if (!mine.some((item) => row instanceof HTMLElement && row.dataset.n === String(item.n))) row.remove();
  }
  for (const item of mine) await drawItem(rows, item);
}

/** @param {Item[]} waiting @param {Item[]} undecided */
function told(waiting, undecided) {
  const decide = undecided.length > 0 ? words("decide", { count: undecided.length }) : "";
  if (waiting.length === 0) return decide || words("none");
  const given = { count: waiting.length, since: clock(waiting[0].at) };
  return `${words(waiting.length === 1 ? "one" : "many", given)} ${decide}`.trim();
}

/** @param {HTMLElement} within @param {Item} item */
async function drawItem(within, item) {
  let row = /** @type {HTMLElement | null} */ (within.querySelector(`[data-n="${item.n}"]`));
  if (!row) {
    row = /** @type {HTMLElement} */ (/** @type {DocumentFragment} */ (template.content.cloneNode(true)).firstElementChild);
    row.dataset.n = String(item.n);
    within.append(row);
    tell(part(row, "what"), nameOf(item));
    tell(part(row, "at"), [clock(item.at), item.fields.stage].filter(Boolean).join(" · "));
    tell(part(row, "text"), item.fields.text ?? item.fields.name ?? "");
    describe(row, item);
    await drawPicture(row, item);
  }
  const isUndecided = item.state === "refused" || item.state === "conflict";
  const isSending = item.state === "waiting" && now.sending === item.id;
  row.dataset.item = item.id;
  row.className = `item ${isUndecided ? "bad" : item.state}`;
  tell(part(row, "state"), isSending ? words("sending", { percent: now.percent }) : words(item.state, { reason: item.reason === "413" ? words("large") : item.reason }));
  tell(part(row, "theirs"), item.theirs ? words("theirs", { state: item.theirs.state, who: item.theirs.who, when: clock(item.theirs.at) }) : "");
  part(row, "decide").hidden = item.state === "received" || isSending;
  part(row, "again").hidden = !isUndecided;
}

/** Let each button say which item it is about. @param {HTMLElement} row @param {Item} item */
function describe(row, item) {
  const names = ["what", "at"].map((name) => (part(row, name).id = `${name}-${item.n}`));
  for (const button of row.querySelectorAll("button")) button.setAttribute("aria-describedby", names.join(" "));
}

/** @param {HTMLElement} row @param {Item} item */
async function drawPicture(row, item) {
  const octets = item.what === "evidence" ? await kept.photoOf(item) : undefined;
  const image = row.querySelector("img");
  if (!octets || !image) return;
  const url = URL.createObjectURL(new Blob([octets]));
  image.onload = () => {
    image.hidden = false;
    URL.revokeObjectURL(url);
  };
  image.onerror = () => URL.revokeObjectURL(url);
  image.src = url;
}

/** How many wait, beside each Job on the Desk. @param {Item[]} all */
function drawUnsent(all) {
  for (const note of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-unsent-of]"))) {
    const count = all.filter((item) => item.job === note.dataset.unsentOf && item.state !== "received").length;
    note.hidden = count === 0;
    tell(note, words("unsent", { count }));
  }
}

/** @param {HTMLElement} row @param {string} name @returns {HTMLElement} */
function part(row, name) {
  return /** @type {HTMLElement} */ (row.querySelector(`[data-${name}]`));
}

/** Write only what differs, so that nothing is read out twice. @param {HTMLElement | null} where @param {string} text */
function tell(where, text) {
  if (where && where.textContent !== text) where.textContent = text;
}

/** Answer the buttons of the list. @param {string} person */
export function decide(person) {
  document.getElementById("send-now")?.addEventListener("click", () => flush());
  rows?.addEventListener("click", async (event) => {
    const button = event.target instanceof Element ? event.target.closest("button") : null;
    const id = /** @type {HTMLElement | null} */ (button?.closest("[data-item]") ?? null)?.dataset.item;
    const item = (await kept.list(person)).find((one) => one.id === id);
    if (!button || !item) return;
    if ("again" in button.dataset) {
      await kept.renew(item, newId());
      changed();
      flush();
    } else {
      discarding = item;
      /** @type {HTMLDialogElement} */ (document.getElementById("discarding")).showModal();
    }
  });
  document.getElementById("discard")?.addEventListener("click", async () => {
    if (discarding) await kept.remove(discarding);
    discarding = null;
    /** @type {HTMLDialogElement} */ (document.getElementById("discarding")).close();
    changed();
  });
}

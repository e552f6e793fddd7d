// @ts-check
/** Sends what waits, in order per Job, one page at a time, until the server has said what becomes of each item. */

import * as kept from "./kept.js";
import { send } from "./sending.js";

/** @import {Item} from "./kept.js" */

const LOCK = "truth-outbox";
const RETRY_SECONDS_MAX = 60;
const OTHER_PAGE_SECONDS = 5;
const pages = new BroadcastChannel("truth-outbox");

/** What only this page knows: nothing of it need survive. */
export const now = { sending: "", percent: 0, isSignInNeeded: false };

/** @type {string} */ let person;
/** @type {() => void} */ let redraw = () => {};
/** @type {() => void} */ let received = () => {};
let isFlushing = false;
let isWanted = false; // what comes while a flush ends is looked at before it does
let tries = 0;
/** @type {ReturnType<typeof setTimeout> | undefined} */ let timer;

/**
 * Begin to send this person's items, now and whenever there is reason to hope.
 * @param {string} subject
 * @param {() => void} onChange something is to be drawn again
 * @param {() => void} onReceived the server has something new
 */
export function begin(subject, onChange, onReceived) {
  [person, redraw, received] = [subject, onChange, onReceived];
  pages.onmessage = () => {
    redraw();
    flush();
  };
  addEventListener("online", flush);
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") flush();
  });
  flush();
}

/** Keep an item and try to send it. @param {Item} item @param {ArrayBuffer | null} octets */
export async function put(item, octets) {
  await kept.add(item, octets);
  changed();
  flush();
}

/** Tell this page and the others that items changed. */
export function changed() {
  redraw();
  pages.postMessage("");
}

/** Send whatever can be sent. Calling it often does no harm. */
export async function flush() {
  if (!navigator.onLine) return;
  isWanted = true;
  if (isFlushing) return;
  isFlushing = true;
  try {
    while (isWanted) {
      isWanted = false;
      clearTimeout(timer);
      await navigator.locks.request(LOCK, { ifAvailable: true }, async (lock) => {
        if (lock) await sendAll();
        else if (await next(new Set())) again(OTHER_PAGE_SECONDS);
      });
    }
  } catch (error) {
    console.info("What waits could not be looked at:", error);
    again(0);
  } finally {
    isFlushing = false;
    now.sending = "";
    redraw();
  }
}

async function sendAll() {
  now.isSignInNeeded = false;
  const standing = /** @type {Set<string>} */ (new Set()); // Jobs whose first item has to wait
  let seconds = 0;
  for (let item = await next(standing); item; item = await next(standing)) {
    const wait = await sendOne(item);
    if (wait === null) continue;
    standing.add(item.job);
    seconds = Math.max(seconds, wait);
    if (wait === Infinity) return;
  }
  if (standing.size > 0) again(seconds);
  else tries = 0;
}

/** The next item to send, after all earlier ones of its Job. @param {Set<string>} standing */
async function next(standing) {
  return (await kept.list(person)).find((item) => item.state === "waiting" && !standing.has(item.job));
}

/** @param {Item} item @returns {Promise<number | null>} null: it is decided; else after how many seconds to try again */
async function sendOne(item) {
  [now.sending, now.percent] = [item.id, 0];
  redraw();
  const verdict = await send(item, await kept.photoOf(item), (percent) => {
    now.percent = percent;
    redraw();
  });
  now.sending = "";
  switch (verdict.kind) {
    case "signIn":
      now.isSignInNeeded = true;
      return Infinity;
    case "away":
      return 0;
    case "later":
      return verdict.seconds;
    case "received":
      await kept.change({ ...item, state: "received" });
      break;
    default:
      await kept.change({ ...item, state: verdict.kind, reason: verdict.reason, theirs: verdict.kind === "conflict" ? verdict.theirs : null });
  }
  changed();
  if (verdict.kind === "received") received();
  return null;
}

/** Try again in a while, longer each time. @param {number} seconds at least so many */
function again(seconds) {
  const backOff = Math.min(RETRY_SECONDS_MAX, 2 ** tries++) * (0.75 + Math.random() / 2);
  clearTimeout(timer);
  timer = setTimeout(flush, 1000 * Math.max(seconds, backOff));
}

// @ts-check
/** Makes items out of forms and photos. */

/** @import {Item} from "./kept.js" */

/** A new UUIDv7 (RFC 9562 section 5.7). */
export function newId() {
  const octets = crypto.getRandomValues(new Uint8Array(16));
  const milliseconds = Date.now();
  for (let n = 0; n < 6; n++) octets[n] = Math.floor(milliseconds / 2 ** (8 * (5 - n))) % 256;
  octets[6] = (octets[6] & 0x0f) | 0x70;
  octets[8] = (octets[8] & 0x3f) | 0x80;
  const hex = hexOf(octets);
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

/** @param {Uint8Array} octets */
function hexOf(octets) {
  return [...octets].map((octet) => octet.toString(16).padStart(2, "0")).join("");
}

/**
 * A command as the person gave it just now.
 * @param {string} person
 * @param {string} job
 * @param {string} what
 * @param {Record<string, string>} fields
 * @returns {Item}
 */
export function newItem(person, job, what, fields) {
  const at = new Date().toISOString();
  return { id: newId(), person, job, what, fields: { ...fields, device_at: at }, at, state: "waiting", reason: "", theirs: null };
}

/** A photo's own bytes and their SHA-256, before anything else is done with it. @param {File} file */
export async function hashed(file) {
  const octets = await file.arrayBuffer();
  return { octets, sha256: hexOf(new Uint8Array(await crypto.subtle.digest("SHA-256", octets))) };
}

/** What a form says, but for its own key: each item has one of its own. @param {HTMLFormElement} form @returns {Record<string, string>} */
export function saidIn(form) {
  /** @type {Record<string, string>} */ const fields = {};
  for (const [name, value] of new FormData(form)) {
    if (name !== "once" && typeof value === "string" && value.trim()) fields[name] = value.trim();
  }
  return fields;
}

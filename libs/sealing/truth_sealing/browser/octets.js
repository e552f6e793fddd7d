// @ts-check
/** Octets, the texts that stand for them, and digests over them. */

/** @typedef {Uint8Array<ArrayBuffer>} Octets */

const ENCODER = new TextEncoder();
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** @param {string} text @returns {Octets} */
export function utf8(text) {
  return ENCODER.encode(text);
}

/** The text that `octets` write; null when they are not UTF-8. A byte-order mark stays. @param {Octets} octets */
export function textOf(octets) {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(octets);
  } catch {
    return null;
  }
}

/** How many characters, counted as code points. @param {string} text */
export function characters(text) {
  let pairs = 0;
  for (let at = 0; at < text.length - 1; at++) {
    if ((text.charCodeAt(at) & 0xfc00) === 0xd800 && (text.charCodeAt(at + 1) & 0xfc00) === 0xdc00) pairs++;
  }
  return text.length - pairs;
}

/** @param {...Octets} parts @returns {Octets} */
export function joined(...parts) {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Lowercase hexadecimal digits. @param {Octets} octets */
export function hex(octets) {
  return Array.from(octets, (octet) => octet.toString(16).padStart(2, "0")).join("");
}

/** @param {Octets} octets @returns {Promise<Octets>} */
export async function sha256(octets) {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", octets));
}

/** @param {Octets} octets */
export async function sha256Hex(octets) {
  return hex(await sha256(octets));
}

/** @param {Octets} octets */
export function base64(octets) {
  return btoa(Array.from(octets, (octet) => String.fromCharCode(octet)).join(""));
}

/** What `text` stands for, whatever its unused last bits are; null when it is no base64. @param {string} text */
export function looseBase64(text) {
  return BASE64.test(text) ? Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)) : null;
}

/** The same; null unless it is the only way to write it (RFC 4648 section 3.5). @param {string} text */
export function decodeBase64(text) {
  const octets = looseBase64(text);
  return octets !== null && base64(octets) === text ? octets : null;
}

/** What `text` stands for in the alphabet of URLs, padded or not; null unless that is the only way to write it.
 * @param {string} text */
export function decodeBase64Url(text) {
  const bare = text.replace(/=+$/, "");
  if (!/^[A-Za-z0-9_-]*$/.test(bare)) return null;
  return decodeBase64(bare.replaceAll("-", "+").replaceAll("_", "/") + "=".repeat((4 - (bare.length % 4)) % 4));
}

/** @param {Octets} octets */
export function base64Url(octets) {
  return base64(octets).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

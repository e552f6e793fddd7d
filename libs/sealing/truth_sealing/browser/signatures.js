// @ts-check
/** Signatures by WebCrypto: Ed25519, and ES256 as a passkey makes it. Without Ed25519 nothing can be said. */

import { hex, joined, utf8 } from "./octets.js";
/** @import { Octets } from "./octets.js" */

/** Loading a key takes as long as a check.
 * @type {Map<string, Promise<CryptoKey | null>>} */
const LOADED = new Map();
const LOADED_MAX = 64;

/** This platform lacks what a check needs: neither yes nor no can be said. */
export class CannotCheckError extends Error {}

/** Whether `signature` is the key's over `message` (RFC 8032, pure).
 * @param {Octets} publicKey 32 bytes @param {Octets} message @param {Octets} signature */
export async function isEd25519(publicKey, message, signature) {
  const key = await loaded("Ed25519", publicKey);
  return key !== null && crypto.subtle.verify("Ed25519", key, signature, message);
}

/** @param {Octets} point uncompressed, 65 bytes @param {Octets} message @param {Octets} signature DER */
export async function isEs256(point, message, signature) {
  const key = await loaded({ name: "ECDSA", namedCurve: "P-256" }, point);
  const fixed = fixedWidth(signature);
  const algorithm = { name: "ECDSA", hash: "SHA-256" };
  return key !== null && fixed !== null && crypto.subtle.verify(algorithm, key, fixed, message);
}

/** @type {Promise<void> | null} */
let platform = null;

/** Raises CannotCheckError unless a known signature is found right here, and a changed one wrong. */
export function checkPlatform() {
  platform ??= checkKnown();
  return platform;
}

async function checkKnown() {
  if (!globalThis.crypto?.subtle) {
    throw new CannotCheckError("this page is not in a secure context, so the browser offers no cryptography");
  }
  const [publicKey, signature] = KNOWN.map(unhex);
  const changed = signature.with(0, signature[0] ^ 1);
  const empty = utf8("");
  if (!(await isEd25519(publicKey, empty, signature)) || (await isEd25519(publicKey, empty, changed))) {
    throw new CannotCheckError("this browser checks Ed25519 signatures wrongly");
  }
}

/** RFC 8032 section 7.1, test 1: public key and signature over nothing. */
const KNOWN = [
  "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
  "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155" +
    "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
];

/** A key to check with; null when the octets are no key of this kind.
 * @param {"Ed25519" | EcKeyImportParams} algorithm @param {Octets} octets */
function loaded(algorithm, octets) {
  const id = hex(octets); // of another length for each kind
  const known = LOADED.get(id);
  if (known) return known;
  if (LOADED.size >= LOADED_MAX) LOADED.clear();
  const loading = imported(algorithm, octets);
  LOADED.set(id, loading);
  return loading;
}

/** @param {"Ed25519" | EcKeyImportParams} algorithm @param {Octets} octets */
async function imported(algorithm, octets) {
  try {
    return await crypto.subtle.importKey("raw", octets, algorithm, false, ["verify"]);
  } catch (error) {
    if (error instanceof DOMException && error.name === "NotSupportedError") {
      throw new CannotCheckError("this browser does not know Ed25519 signatures: use a newer one");
    }
    return null;
  }
}

/** The two numbers of a DER signature, 32 bytes each, as WebCrypto wants them; null when it is not DER.
 * @param {Octets} der @returns {Octets | null} */
function fixedWidth(der) {
  if (der[0] !== 0x30 || der[1] !== der.length - 2) return null;
  const r = derInteger(der.subarray(2));
  const s = r && derInteger(der.subarray(4 + der[3]));
  if (!r || !s || 6 + der[3] + der[5 + der[3]] !== der.length) return null;
  return joined(new Uint8Array(32 - r.length), r, new Uint8Array(32 - s.length), s);
}

/** The positive number at the start, without its leading zero; null when it is written otherwise or too long.
 * @param {Octets} der @returns {Octets | null} */
function derInteger(der) {
  const length = der[1];
  const digits = der.subarray(2, 2 + length);
  if (der[0] !== 0x02 || !length || digits.length !== length || digits[0] > 0x7f) return null;
  if (digits[0] === 0 && length > 1 && digits[1] <= 0x7f) return null;
  const bare = digits[0] === 0 ? digits.subarray(1) : digits;
  return bare.length > 32 ? null : bare;
}

/** @param {string} digits @returns {Octets} */
function unhex(digits) {
  return Uint8Array.from(digits.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

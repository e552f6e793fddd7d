// @ts-check
/** Public keys as C2SP writes them (vkeys): those that sign, and those of witnesses, which cosign. */

import { base64, decodeBase64, hex, joined, looseBase64, sha256, utf8 } from "./octets.js";
import { isEd25519 } from "./signatures.js";
/** @import { Octets } from "./octets.js" */

const SIGNS = 0x01;
const COSIGNS = 0x04;
const TYPED_BYTES = 33;
const TIME_BYTES = 8;
const TIMESTAMP_MAX = 2n ** 63n - 1n;
const SPACE = "\\t-\\r\\x1c- \\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";
const AROUND = new RegExp(`^[${SPACE}]+|[${SPACE}]+$`, "g");
const NOT_IN_A_NAME = new RegExp(`[+${SPACE}]`);

/** A vkey that cannot be used; the message says why. */
export class KeyFormatError extends Error {}

/** A public key under a name. `type` is the first octet of a vkey's key; `keyId` is 8 hexadecimal digits. */
export class PublicKey {
  /** @param {string} name @param {number} type @param {Octets} octets 32 bytes @param {string} keyId */
  constructor(name, type, octets, keyId) {
    this.name = name;
    this.type = type;
    this.octets = octets;
    this.keyId = keyId;
  }

  get cosigns() {
    return this.type === COSIGNS;
  }

  get vkey() {
    return `${this.name}+${this.keyId}+${base64(joined(Uint8Array.of(this.type), this.octets))}`;
  }

  /** Whether `signature` (what follows the key id in a note) is this key's over the note's text.
   * @param {Octets} message @param {Octets} signature */
  async hasSigned(message, signature) {
    if (!this.cosigns) return isEd25519(this.octets, message, signature);
    const seconds = cosignedAt(signature);
    if (seconds > TIMESTAMP_MAX) return false;
    const signed = joined(utf8(`cosignature/v1\ntime ${seconds}\n`), message);
    return isEd25519(this.octets, signed, signature.subarray(TIME_BYTES));
  }
}

/** When a witness signed, in seconds since 1970, as it says. @param {Octets} signature */
export function cosignedAt(signature) {
  return BigInt(`0x0${hex(signature.subarray(0, TIME_BYTES))}`);
}

/** Not empty, no space of any kind, no plus sign (C2SP signed-note). @param {string} name */
export function isKeyName(name) {
  return name !== "" && !NOT_IN_A_NAME.test(name);
}

/** Read the vkey of a key that signs; raises KeyFormatError. @param {string} vkey */
export async function readVkey(vkey) {
  const parts = vkeyParts(vkey.replace(AROUND, ""));
  if (parts.length !== 3) throw new KeyFormatError("a vkey has three parts joined by '+'");
  const [name, keyId, encoded] = parts;
  const typed = looseBase64(encoded);
  if (typed === null) throw new KeyFormatError(`the key of '${name}' is not base64`);
  if (typed[0] !== SIGNS || typed.length !== TYPED_BYTES) {
    throw new KeyFormatError(`the key of '${name}' is not an Ed25519 key of type 0x01`);
  }
  return keyed(name, keyId, typed);
}

/** Read the vkey of a witness; raises KeyFormatError. @param {string} vkey */
export async function readWitnessVkey(vkey) {
  const [name = "", keyId = "", encoded = ""] = vkeyParts(vkey);
  const typed = decodeBase64(encoded);
  if (typed === null || typed[0] !== COSIGNS || typed.length !== TYPED_BYTES) {
    throw new KeyFormatError(`the key of '${name}' is not an Ed25519 cosignature key of type 0x04`);
  }
  return keyed(name, keyId, typed);
}

/** Base64 may hold a plus sign, a name may not. @param {string} vkey */
function vkeyParts(vkey) {
  const [name, keyId, ...encoded] = vkey.split("+");
  return encoded.length ? [name, keyId, encoded.join("+")] : vkey.split("+");
}

/** @param {string} name @param {string} keyId @param {Octets} typed */
async function keyed(name, keyId, typed) {
  const digest = hex((await sha256(joined(utf8(`${name}\n`), typed))).subarray(0, 4));
  if (!isKeyName(name) || digest !== keyId) {
    throw new KeyFormatError(`the name or key id of '${name}' does not fit its key`);
  }
  return new PublicKey(name, typed[0], typed.slice(1), keyId);
}

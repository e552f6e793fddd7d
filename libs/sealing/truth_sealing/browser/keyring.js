// @ts-check
/** The keys file that stands beside a policy: every key ever used, of which kind, and from when to when. */

import { readInstant } from "./instants.js";
import { StrictError, hasExactly, strictObject } from "./json.js";
import { KeyFormatError, readVkey, readWitnessVkey } from "./keys.js";
/** @import { PublicKey } from "./keys.js" */
/** @import { Octets } from "./octets.js" */
/** @import { Json, Members } from "./value.js" */

/** A key with the span in which it counts, ends included; no start is an empty text. Moments are compared as
 * texts: all of a kind have one form.
 * @typedef {{ kind: string, key: PublicKey, start: string, end: string | null }} PinnedKey */

const KEYS_BYTES_MAX = 256 * 1024;
const PINNED_MEMBERS = ["kind", "vkey", "from", "to", "state"];

/** The keys file cannot be used; the message says why. */
export class KeyringError extends Error {}

/** The keys file as read. */
export class Keyring {
  /** @param {PinnedKey[]} keys */
  constructor(keys) {
    this.keys = keys;
  }

  /** Whether signatures of steps can be checked at all. */
  get hasStepKeys() {
    return this.keys.some((pinned) => pinned.kind === "step");
  }

  /** Step keys of a service in force at the time `at`. @param {string} service @param {string} at */
  stepKeys(service, at) {
    const pinned = this.keys.filter((one) => one.kind === "step" && covers(one, at));
    return pinned.map((one) => one.key).filter((key) => key.name === service);
  }

  /** Whether a log key counts at this tree size. One that the file does not list always does.
   * @param {PublicKey} key @param {bigint} size */
  allowsLogKey(key, size) {
    const listed = this.keys.filter((one) => one.kind === "log" && one.key.vkey === key.vkey);
    return listed.length === 0 || listed.some((one) => covers(one, sizeText(size)));
  }
}

/** Read `{"keys":[{"kind","vkey","from","to","state"}]}`; raises KeyringError. @param {Octets} octets */
export async function readKeyring(octets) {
  if (octets.length > KEYS_BYTES_MAX) throw new KeyringError(`longer than ${KEYS_BYTES_MAX} bytes`);
  const keys = readMembers(octets).get("keys");
  if (!Array.isArray(keys)) throw new KeyringError("no array of keys");
  const pinned = [];
  for (const [at, entry] of keys.entries()) pinned.push(await pinnedKey(entry, at + 1));
  return new Keyring(pinned);
}

/** @param {Octets} octets */
function readMembers(octets) {
  try {
    return strictObject(octets);
  } catch (error) {
    throw error instanceof StrictError ? new KeyringError(error.message) : error;
  }
}

/** @param {Json} entry @param {number} number @returns {Promise<PinnedKey>} */
async function pinnedKey(entry, number) {
  if (!(entry instanceof Map) || !hasExactly(entry, PINNED_MEMBERS)) {
    const names = [...PINNED_MEMBERS].sort().join(", ");
    throw new KeyringError(`key ${number} does not have exactly the members ${names}`);
  }
  const [kind, state] = [entry.get("kind"), entry.get("state")];
  const isKnown = kind === "log" || kind === "step" || kind === "signal" || kind === "witness";
  if (!isKnown || (state !== "active" && state !== "retired")) {
    throw new KeyringError(`key ${number} has an unknown kind or state`);
  }
  if (state === "retired" && entry.get("to") === null) {
    throw new KeyringError(`key ${number} is retired and does not say since when`);
  }
  const key = await keyOf(entry, number);
  const [start, end] = ["from", "to"].map((name) => momentOf(entry.get(name), number, kind === "log"));
  return { kind, key, start: start ?? "", end };
}

/** @param {Members} entry @param {number} number */
async function keyOf(entry, number) {
  const vkey = entry.get("vkey");
  const read = entry.get("kind") === "witness" ? readWitnessVkey : readVkey;
  try {
    return await read(typeof vkey === "string" ? vkey : "");
  } catch (error) {
    throw error instanceof KeyFormatError ? new KeyringError(`key ${number}: ${error.message}`) : error;
  }
}

/** @param {Json | undefined} value @param {number} number @param {boolean} isSize */
function momentOf(value, number, isSize) {
  if (value === null) return null;
  if (isSize && typeof value === "number" && value >= 0) return sizeText(BigInt(value));
  if (!isSize && typeof value === "string" && readInstant(value) !== null) return value;
  throw new KeyringError(`key ${number}: a log key's span is in sizes, any other's in times (...sssZ)`);
}

/** @param {PinnedKey} pinned @param {string} moment */
function covers(pinned, moment) {
  return pinned.start <= moment && (pinned.end === null || moment <= pinned.end);
}

/** As many digits for every size, so that texts compare like numbers. @param {bigint} size */
function sizeText(size) {
  return String(size).padStart(20, "0");
}

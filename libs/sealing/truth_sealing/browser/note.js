// @ts-check
/** Signed notes (C2SP signed-note) and the checkpoints in them (C2SP tlog-checkpoint). */

import { isKeyName } from "./keys.js";
import { decodeBase64, hex, utf8 } from "./octets.js";
/** @import { PublicKey } from "./keys.js" */
/** @import { Octets } from "./octets.js" */

/** @typedef {{ name: string, keyId: string, octets: Octets }} Signature */
/** @typedef {{ text: string, signatures: Signature[] }} Note */
/** @typedef {{ origin: string, size: bigint, root: Octets }} Checkpoint */

export const NOTE_BYTES_MAX = 128 * 1024;
export const HASH_BYTES = 32;
const SIGNATURES_MAX = 16;
const KEY_ID_BYTES = 4;
const DASH = "\u2014 ";
const SIZE_MAX = 2n ** 63n - 1n;
const HEAD_LINES = 3;

/** The note cannot be read, or a key that we know did not make the signature that bears its name. */
export class NoteError extends Error {}

/** The note's text is not a checkpoint. */
export class CheckpointError extends Error {}

/** Read a note, nothing of it verified; raises NoteError. @param {string} note @returns {Note} */
export function parseNote(note) {
  if (utf8(note).length > NOTE_BYTES_MAX) throw new NoteError(`longer than ${NOTE_BYTES_MAX} bytes`);
  if (/[\u0000-\u0009\u000b-\u001f]/.test(note)) throw new NoteError("a control character");
  const end = note.lastIndexOf("\n\n"); // the *last* blank line: the text may hold others
  const lines = note.slice(end + 2);
  if (end < 0 || !lines.endsWith("\n")) throw new NoteError("no signatures after a blank line");
  const signatures = lines.slice(0, -1).split("\n");
  if (signatures.length > SIGNATURES_MAX) throw new NoteError(`more than ${SIGNATURES_MAX} signatures`);
  return { text: note.slice(0, end + 1), signatures: signatures.map(signatureOf) };
}

/** Those of `keys` that signed the note. Lines of unknown keys are ignored; one that bears a known key's name and
 * id and is not its signature makes the whole note worthless: NoteError.
 * @param {Note} note @param {readonly PublicKey[]} keys */
export async function signedBy(note, keys) {
  const known = new Map(keys.map((key) => [`${key.name} ${key.keyId}`, key]));
  const text = utf8(note.text);
  /** @type {Set<PublicKey>} */
  const found = new Set();
  for (const signature of note.signatures) {
    const key = known.get(`${signature.name} ${signature.keyId}`);
    if (!key) continue;
    if (!(await key.hasSigned(text, signature.octets))) {
      throw new NoteError(`the signature of ${key.name} is wrong`);
    }
    found.add(key);
  }
  return [...found];
}

/** @param {Note} note @param {PublicKey} key */
export function findSignature(note, key) {
  return note.signatures.find((one) => one.name === key.name && one.keyId === key.keyId);
}

/** Read a checkpoint; extension lines are allowed and dropped. Raises CheckpointError.
 * @param {string} text @returns {Checkpoint} */
export function parseCheckpoint(text) {
  const lines = text.split("\n");
  if (lines.length <= HEAD_LINES || lines.pop() !== "" || lines.includes("")) {
    throw new CheckpointError("a checkpoint has at least three lines, none of them empty");
  }
  const [origin, digits, encoded] = lines;
  const size = readNumber(digits);
  const root = decodeBase64(encoded);
  if (size === null) throw new CheckpointError("the size is not a plain decimal number");
  if (root?.length !== HASH_BYTES) throw new CheckpointError("the root is not 32 bytes in base64");
  return { origin, size, root };
}

/** The number that `digits` write, below 2^63; null with a leading zero, a sign or anything else.
 * @param {string} digits */
export function readNumber(digits) {
  const number = /^(?:0|[1-9][0-9]{0,18})$/.test(digits) ? BigInt(digits) : null;
  return number !== null && number <= SIZE_MAX ? number : null;
}

/** @param {string} line @returns {Signature} */
function signatureOf(line) {
  const words = line.startsWith(DASH) ? line.slice(DASH.length) : line;
  const space = words.indexOf(" ");
  const name = space < 0 ? words : words.slice(0, space);
  const octets = decodeBase64(words.slice(name.length + 1));
  if (!line.startsWith(DASH) || space < 0 || !isKeyName(name)) {
    throw new NoteError("a signature line is not an em dash, a key name and a signature");
  }
  if (octets === null || octets.length <= KEY_ID_BYTES) {
    throw new NoteError(`the signature line of ${name} holds no signature in base64`);
  }
  return { name, keyId: hex(octets.subarray(0, KEY_ID_BYTES)), octets: octets.subarray(KEY_ID_BYTES) };
}

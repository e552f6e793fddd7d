// @ts-check
/** The proof that travels with a Record (C2SP tlog-proof), and the check of inclusion (RFC 9162 section 2.1.3.2). */

import { HASH_BYTES, NOTE_BYTES_MAX, readNumber } from "./note.js";
import { characters, decodeBase64, hex, joined, sha256 } from "./octets.js";
/** @import { Octets } from "./octets.js" */

/** @typedef {{ index: bigint, hashes: Octets[], checkpoint: string, hasExtra: boolean }} LogProof */

const HEADER = "c2sp.org/tlog-proof@v1";
const EXTRA_BYTES_MAX = 64 * 1024;
const PROOF_HASHES_MAX = 63;
const HASH_CHARACTERS = 44;
const HEAD_CHARACTERS_MAX =
  HEADER.length + Math.floor((EXTRA_BYTES_MAX * 4) / 3) + PROOF_HASHES_MAX * (HASH_CHARACTERS + 1) + 128;
const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);

/** The text is not a tlog-proof. */
export class ProofError extends Error {}

/** Read a tlog-proof, nothing of it verified; raises ProofError. @param {string} text @returns {LogProof} */
export function parseProof(text) {
  if (characters(text) > HEAD_CHARACTERS_MAX + NOTE_BYTES_MAX) throw new ProofError("too long");
  const end = text.indexOf("\n\n");
  const [header, ...lines] = (end < 0 ? text : text.slice(0, end)).split("\n");
  if (header !== HEADER || end < 0) throw new ProofError(`not a ${HEADER}`);
  const hasExtra = takeExtra(lines);
  const [first, ...rest] = lines;
  const index = first?.startsWith("index ") ? readNumber(first.slice("index ".length)) : null;
  if (index === null) throw new ProofError("no index as a plain decimal number");
  if (rest.length > PROOF_HASHES_MAX) throw new ProofError(`more than ${PROOF_HASHES_MAX} hashes`);
  return { index, hashes: rest.map(hashOf), checkpoint: text.slice(end + 2), hasExtra };
}

/** Whether `proof` shows `entry` at `index` in the tree of `size` leaves.
 * @param {Octets} entry @param {bigint} index @param {bigint} size @param {readonly Octets[]} proof
 * @param {Octets} root */
export async function isIncluded(entry, index, size, proof, root) {
  if (index >= size) return false;
  let reached = await sha256(joined(LEAF, entry));
  let [node, last] = [index, size - 1n];
  for (const sibling of proof) {
    if (last === 0n) return false; // longer than the path to the root
    if (isOdd(node) || node === last) {
      reached = await sha256(joined(NODE, sibling, reached));
      // Levels on which the right edge has no sibling; node is not 0 here.
      while (!isOdd(node)) [node, last] = [node >> 1n, last >> 1n];
    } else {
      reached = await sha256(joined(NODE, reached, sibling));
    }
    [node, last] = [node >> 1n, last >> 1n];
  }
  return last === 0n && hex(reached) === hex(root);
}

/** @param {bigint} node */
function isOdd(node) {
  return (node & 1n) === 1n;
}

/** Takes the extra line away, if there is one. @param {string[]} lines */
function takeExtra(lines) {
  if (!lines[0]?.startsWith("extra ")) return false;
  const extra = decodeBase64((lines.shift() ?? "").slice("extra ".length));
  if (extra === null || extra.length > EXTRA_BYTES_MAX) {
    throw new ProofError("the extra line is too long or no base64");
  }
  return true;
}

/** @param {string} line */
function hashOf(line) {
  const octets = decodeBase64(line);
  if (octets?.length !== HASH_BYTES) throw new ProofError("a hash is not 32 bytes in base64");
  return octets;
}

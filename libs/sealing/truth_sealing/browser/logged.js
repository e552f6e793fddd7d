// @ts-check
/** Whether the log holds a Record: inclusion, the log's signature, the witnesses. */

import { finding } from "./findings.js";
import { cosignedAt } from "./keys.js";
import { CheckpointError, NoteError, findSignature, parseCheckpoint, parseNote, signedBy } from "./note.js";
import { NO_QUORUM } from "./policy.js";
import { ProofError, isIncluded, parseProof } from "./proof.js";
/** @import { Finding } from "./findings.js" */
/** @import { Keyring } from "./keyring.js" */
/** @import { PublicKey } from "./keys.js" */
/** @import { Checkpoint, Note } from "./note.js" */
/** @import { Octets } from "./octets.js" */
/** @import { Policy } from "./policy.js" */

/** What a verifier pins beforehand. Without a keyring, nothing signed with a step key can be shown.
 * @typedef {{ policy: Policy, keyring: Keyring | null }} Trust */
/** Where in which log, and how large it was, as claimed.
 * @typedef {{ origin: string, index: bigint, size: bigint }} Position */
/** What the log says of an entry. `broken` is why the entry is not under the checkpoint's root; `position` is null
 * when the proof cannot be read.
 * @typedef {{ broken: string[], logged: Finding, witnessed: Finding, position: Position | null }} LogCheck */

const SECONDS_MAX = 253402300799n; // the last of the year 9999

/** Check a tlog-proof for `entry` against the pinned keys.
 * @param {Octets} entry @param {string} text @param {Trust} trust @returns {Promise<LogCheck>} */
export async function checkLog(entry, text, trust) {
  const read = readProof(text);
  if (typeof read === "string") return unlogged(`the proof cannot be read: ${read}`, null);
  const { proof, note, checkpoint } = read;
  const { origin, size, root } = checkpoint;
  const position = { origin, index: proof.index, size };
  if (!(await isIncluded(entry, proof.index, size, proof.hashes, root))) {
    return unlogged(`the Record is not entry ${proof.index} of the tree of ${size}`, position);
  }
  return { broken: [], ...(await signatures(note, checkpoint, proof.index, trust)), position };
}

/** Proof, note and checkpoint, or why they cannot be read. @param {string} text */
function readProof(text) {
  try {
    const proof = parseProof(text);
    if (proof.hasExtra) return "extra data, which nobody signs";
    const note = parseNote(proof.checkpoint);
    return { proof, note, checkpoint: parseCheckpoint(note.text) };
  } catch (error) {
    const isRefused =
      error instanceof ProofError || error instanceof NoteError || error instanceof CheckpointError;
    if (isRefused) return error.message;
    throw error;
  }
}

/** @param {Note} note @param {Checkpoint} checkpoint @param {bigint} index @param {Trust} trust */
async function signatures(note, checkpoint, index, { policy, keyring }) {
  const signers = await signersOf(note, policy);
  if (typeof signers === "string") return neither(signers);
  const problem = logProblem(checkpoint, signers.filter((key) => !key.cosigns), keyring);
  const logged = finding("logged", {
    wrong: problem ? [problem] : [],
    right: `entry ${index} of ${checkpoint.size} in ${checkpoint.origin}`,
  });
  if (problem) return { logged, witnessed: finding("witnessed", { missing: ["not signed by the log"] }) };
  return { logged, witnessed: witnessedBy(note, signers.filter((key) => key.cosigns), policy) };
}

/** The pinned keys that signed, or why the note is worthless. @param {Note} note @param {Policy} policy */
async function signersOf(note, policy) {
  try {
    return await signedBy(note, [...policy.logs, ...policy.witnesses.values()]);
  } catch (error) {
    if (error instanceof NoteError) return error.message;
    throw error;
  }
}

/** @param {Checkpoint} checkpoint @param {PublicKey[]} signers @param {Keyring | null} keyring */
function logProblem({ origin, size }, signers, keyring) {
  const ofOrigin = signers.filter((key) => key.name === origin);
  if (ofOrigin.length === 0) {
    return `the checkpoint of ${origin} is not signed by a pinned key of that name`;
  }
  const isInForce = !keyring || ofOrigin.some((key) => keyring.allowsLogKey(key, size));
  return isInForce ? null : `the signing key was not in force at size ${size}`;
}

/** @param {Note} note @param {PublicKey[]} witnesses @param {Policy} policy */
function witnessedBy(note, witnesses, policy) {
  const told = witnesses.map((key) => `${key.name} at ${timeOf(note, key)}`);
  const seen = told.join(", ") || "no known witness";
  const isMet = policy.isMet(new Set(witnesses.map((key) => key.vkey)));
  const isAsked = policy.quorum !== NO_QUORUM;
  return finding("witnessed", {
    wrong: isMet ? [] : [`the quorum ${policy.quorum} is not met: cosigned by ${seen}`],
    missing: isAsked ? [] : [`the policy asks for no witness; cosigned by ${seen}`],
    right: `cosigned by ${seen}`,
  });
}

/** @param {Note} note @param {PublicKey} key */
function timeOf(note, key) {
  const signature = findSignature(note, key);
  const seconds = signature ? cosignedAt(signature.octets) : 0n;
  if (seconds > SECONDS_MAX) return `${seconds} s after 1970`; // a witness may claim any time
  return new Date(Number(seconds) * 1000).toISOString().replace(".000Z", "Z");
}

/** @param {string} why @param {Position | null} position @returns {LogCheck} */
function unlogged(why, position) {
  return { broken: [why], ...neither(why), position };
}

/** Nothing under the checkpoint counts: neither the log's signature nor a witness's. @param {string} why */
function neither(why) {
  return { logged: finding("logged", { wrong: [why] }), witnessed: finding("witnessed", { wrong: [why] }) };
}

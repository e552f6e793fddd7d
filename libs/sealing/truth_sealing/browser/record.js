// @ts-check
/** Reads a Record's text. Only its form is checked here; `verify` asks whether what it says is so. */

import { NotCanonicalError, StrictError, canonical, hasExactly, strictObject } from "./json.js";
import { sha256Hex, utf8 } from "./octets.js";
import { STEPS } from "./steps.js";
/** @import { Link } from "./steps.js" */
/** @import { Json, Members } from "./value.js" */

const FORMAT_VERSION = 1;
const DIGEST = /^[0-9a-f]{64}$/;
const LINK_TEXTS = ["step", "event_id", "at", "actor", "sha256", "sig"];
const RECORD_TEXTS = [
  "record_id",
  "request_id",
  "job_id",
  "service_event_id",
  "operator_id",
  "surface",
  "maturity",
  "outcome",
  "started_at",
  "completed_at",
  "recorded_at",
];

/** The text is not a Record; the message says why. */
export class RecordError extends Error {}

/** A Record as its text has it. */
export class SealedRecord {
  /** @param {string} text @param {Members} members @param {Link[]} chain
   * @param {Map<string, string>} commitments */
  constructor(text, members, chain, commitments) {
    this.text = text;
    this.members = members;
    this.chain = chain;
    this.commitments = commitments;
  }

  /** One of the Record's texts, such as `outcome`. @param {string} name */
  get(name) {
    return String(this.members.get(name));
  }

  /** Whether the chain names exactly the seven steps in order. */
  get hasWholeChain() {
    return this.chain.length === STEPS.length && this.chain.every((link, at) => link.step === STEPS[at]);
  }

  /** The log entry over this Record: derived from it, never given. */
  async entry() {
    const digest = await sha256Hex(utf8(this.text));
    const subject = this.chain.at(-1)?.sha256 ?? "";
    return utf8(
      canonical(
        new Map(
          /** @type {[string, Json][]} */ ([
            ["kind", "record"],
            ["record", this.get("record_id")],
            ["sha256", digest],
            ["subject", subject],
            ["v", FORMAT_VERSION],
          ]),
        ),
      ),
    );
  }

  /** The link of `step`, of a whole chain. @param {string} step */
  link(step) {
    return this.chain[STEPS.indexOf(step)];
  }

  /** Digest of the body before `step`'s, of a whole chain. @param {string} step */
  prev(step) {
    return this.chain[STEPS.indexOf(step) - 1]?.sha256 ?? null;
  }
}

/** Read a Record's canonical text; raises RecordError. @param {string} text */
export function readRecord(text) {
  const members = canonicalRecord(text);
  if (members.get("v") !== FORMAT_VERSION) throw new RecordError(`not a Record of version ${FORMAT_VERSION}`);
  if (!RECORD_TEXTS.every((name) => typeof members.get(name) === "string")) {
    throw new RecordError(`a Record needs the texts ${RECORD_TEXTS.join(", ")}`);
  }
  const reason = members.get("reason");
  if (!Array.isArray(members.get("stages")) || (reason !== null && typeof reason !== "string")) {
    throw new RecordError("a Record needs an array of stages, and a reason or null");
  }
  return new SealedRecord(text, members, chainOf(members), commitmentsOf(members));
}

/** @param {string} text @returns {Members} */
function canonicalRecord(text) {
  try {
    const members = strictObject(text);
    if (canonical(members) === text) return members;
  } catch (error) {
    const isRefused = error instanceof StrictError || error instanceof NotCanonicalError;
    throw isRefused ? new RecordError(`the Record cannot be read: ${error.message}`) : error;
  }
  throw new RecordError("the Record's text is not in canonical form");
}

/** @param {Members} members */
function chainOf(members) {
  const chain = members.get("chain");
  const links = Array.isArray(chain) ? chain.map(linkOf) : [null];
  if (links.includes(null)) throw new RecordError("a Record needs an array of links");
  return links.filter((link) => link !== null);
}

/** @param {Json} members @returns {Link | null} */
function linkOf(members) {
  if (!(members instanceof Map) || !hasExactly(members, [...LINK_TEXTS, "facts"])) return null;
  const [step, , at, actor, sha256, sig] = LINK_TEXTS.map((name) => members.get(name));
  const facts = members.get("facts");
  const areTexts = LINK_TEXTS.every((name) => typeof members.get(name) === "string");
  if (!areTexts || !(facts instanceof Map) || !DIGEST.test(String(sha256))) return null;
  return {
    step: String(step),
    at: String(at),
    actor: String(actor),
    sha256: String(sha256),
    sig: String(sig),
    facts,
    members,
  };
}

/** @param {Members} members */
function commitmentsOf(members) {
  const commitments = members.get("commitments");
  if (!(commitments instanceof Map)) throw new RecordError("a Record needs commitments");
  return new Map([...commitments].map(([path, digest]) => [path, digestOf(digest)]));
}

/** @param {Json} digest */
function digestOf(digest) {
  if (typeof digest !== "string" || !DIGEST.test(digest)) throw new RecordError("a commitment is not a digest");
  return digest;
}

// @ts-check
/** What a bundle shows beside the Record: bodies, disclosures and evidence labels, each against its digest. */

import { NotCanonicalError, StrictError, canonical, isSame, member, strict } from "./json.js";
import { sha256Hex, utf8 } from "./octets.js";
import { BrokenChainError, STEPS, factsOf, readBody } from "./steps.js";
/** @import { Bundle } from "./bundle.js" */
/** @import { SealedRecord } from "./record.js" */
/** @import { Link } from "./steps.js" */
/** @import { Json, Members } from "./value.js" */

/** What of a bundle fits its digest, and what does not. Nothing else of a bundle may be relied on. */
export class Shown {
  /** @type {Map<string, Members>} */
  bodies = new Map();
  /** @type {Map<string, string>} */
  values = new Map();
  /** Paths whose disclosure does not fit.
   * @type {Set<string>} */
  refused = new Set();
  /** @type {string[]} */
  wrong = [];

  /** The shown body of `step`; empty when it is withheld or does not fit. @param {string} step @returns {Members} */
  body(step) {
    return this.bodies.get(step) ?? new Map();
  }
}

/** Match everything shown with the digests in the Record. The Record's chain must be whole.
 * @param {Bundle} bundle @param {SealedRecord} record */
export async function readShown(bundle, record) {
  const shown = new Shown();
  for (const [at, text] of bundle.steps.entries()) {
    if (text === null) continue;
    await noted(shown, async () => {
      shown.bodies.set(STEPS[at], await fittingBody(record.chain[at], text));
    });
  }
  for (const [path, text] of bundle.disclosures) {
    const fits = await noted(shown, async () => {
      shown.values.set(path, await disclosed(record, path, text));
    });
    if (!fits) shown.refused.add(path);
  }
  shown.wrong.push(...labelProblems(bundle, record, shown));
  return shown;
}

/** Whether the reading went well; why not is kept. @param {Shown} shown @param {() => Promise<void>} reading */
async function noted(shown, reading) {
  try {
    await reading();
    return true;
  } catch (error) {
    if (!(error instanceof BrokenChainError)) throw error;
    shown.wrong.push(error.message);
    return false;
  }
}

/** @param {Link} link @param {string} text */
async function fittingBody(link, text) {
  const { step } = link;
  const body = readBody(step, text);
  if ((await sha256Hex(utf8(text))) !== link.sha256) {
    throw new BrokenChainError(`the body of ${step} is not the one that its link names`);
  }
  for (const name of ["step", "event_id", "at", "actor"]) {
    if (body.get(name) !== link.members.get(name)) {
      throw new BrokenChainError(`the link of ${step} tells another ${name} than its body`);
    }
  }
  if (!isSame(factsOf(step, body), link.facts)) {
    throw new BrokenChainError(`the link of ${step} tells other facts than its body`);
  }
  return body;
}

/** @param {SealedRecord} record @param {string} path @param {string} text */
async function disclosed(record, path, text) {
  const commitment = record.commitments.get(path);
  if (commitment === undefined) throw new BrokenChainError(`the Record commits to no ${path}`);
  if ((await sha256Hex(utf8(text))) !== commitment) {
    throw new BrokenChainError(`the disclosure of ${path} is not the one that the Record commits to`);
  }
  const value = canonicalValue(path, text);
  if (!Array.isArray(value) || value.length !== 3) {
    throw new BrokenChainError(`the disclosure of ${path} is not a canonical [salt, path, value]`);
  }
  if (value[1] !== path) throw new BrokenChainError(`the disclosure of ${path} was made for another path`);
  if (typeof value[2] !== "string") throw new BrokenChainError(`the disclosure of ${path} is not of a text`);
  return value[2];
}

/** The value of a canonical text, null of any other. @param {string} path @param {string} text @returns {Json} */
function canonicalValue(path, text) {
  try {
    const value = strict(text);
    return canonical(value) === text ? value : null;
  } catch (error) {
    const isRefused = error instanceof StrictError || error instanceof NotCanonicalError;
    if (!isRefused) throw error;
    throw new BrokenChainError(`the disclosure of ${path} cannot be read: ${error.message}`);
  }
}

/** @param {Bundle} bundle @param {SealedRecord} record @param {Shown} shown */
function* labelProblems(bundle, record, shown) {
  const pieces = evidenceOf(shown.body("service_event_completed"));
  for (const [path, label] of bundle.evidence) {
    if (!path.startsWith("evidence/") || !record.commitments.has(path)) {
      yield `the Record commits to no ${path}`;
    }
    const piece = pieces.get(path);
    if (piece && (piece.get("media_type") !== label.mediaType || piece.get("bytes") !== label.size)) {
      yield `${path} has another media type or size than the completion tells`;
    }
  }
}

/** The pieces of evidence that a completion body lists, by path. @param {Members} completion */
export function evidenceOf(completion) {
  return numbered("evidence", completion);
}

/** The notes that a completion body lists, by path. @param {Members} completion */
export function notesOf(completion) {
  return numbered("notes", completion);
}

/** The objects in an array; none when it is no array. @param {Json | undefined} value @returns {Members[]} */
export function objects(value) {
  return Array.isArray(value) ? value.filter((one) => one instanceof Map) : [];
}

/** @param {string} name @param {Members} completion @returns {Map<string, Members>} */
function numbered(name, completion) {
  const pieces = objects(member(completion, name)).filter((one) => typeof one.get("n") === "number");
  return new Map(pieces.map((one) => [`${name}/${fourDigits(Number(one.get("n")))}`, one]));
}

/** @param {number} number */
function fourDigits(number) {
  return number < 0 ? `-${String(-number).padStart(3, "0")}` : String(number).padStart(4, "0");
}

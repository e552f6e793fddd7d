// @ts-check
/** The file that proves one Record: its exact text, what is disclosed of it, and the proof from the log. */

import { NotCanonicalError, StrictError, canonical, hasExactly, strictObject } from "./json.js";
import { characters, textOf } from "./octets.js";
import { STEPS } from "./steps.js";
/** @import { Octets } from "./octets.js" */
/** @import { Json, Members } from "./value.js" */

/** @typedef {{ mediaType: string, size: number }} EvidenceLabel */
/** A bundle as read, nothing of it verified. Texts are hashed as they stand; a step is null where it is withheld.
 * @typedef {{ record: string, proof: string, steps: (string | null)[], disclosures: Map<string, string>,
 *   evidence: Map<string, EvidenceLabel> }} Bundle */

const FORMAT = "runtime-truth/bundle/v1";
export const BUNDLE_BYTES_MAX = 4 * 1024 * 1024;
const TEXT_CHARACTERS_MAX = 256 * 1024;
const PARTS_MAX = 4096;
const BUNDLE_MEMBERS = ["disclosures", "evidence", "format", "proof", "record", "steps"];

/** The file is not a bundle; the message says why. */
export class BundleError extends Error {}

/** Read a bundle of bounded size; raises BundleError. It must be in canonical form and hold nothing else, so that
 * no byte of it goes unchecked.
 * @param {Octets} octets @returns {Bundle} */
export function readBundle(octets) {
  if (octets.length > BUNDLE_BYTES_MAX) throw new BundleError(`longer than ${BUNDLE_BYTES_MAX} bytes`);
  const members = canonicalMembers(octets);
  if (members.get("format") !== FORMAT || !hasExactly(members, BUNDLE_MEMBERS)) {
    throw new BundleError(`not a ${FORMAT} with exactly ${BUNDLE_MEMBERS.join(", ")}`);
  }
  return {
    record: bundledText(members.get("record"), "record"),
    proof: bundledText(members.get("proof"), "proof"),
    steps: bundledSteps(members.get("steps")),
    disclosures: parts(members.get("disclosures"), bundledText),
    evidence: parts(members.get("evidence"), label),
  };
}

/** @param {Octets} octets @returns {Members} */
function canonicalMembers(octets) {
  try {
    const members = strictObject(octets);
    if (canonical(members) === textOf(octets)) return members;
  } catch (error) {
    const isRefused = error instanceof StrictError || error instanceof NotCanonicalError;
    throw isRefused ? new BundleError(error.message) : error;
  }
  throw new BundleError("not in canonical form: spaces, line ends or escapes were added, or keys reordered");
}

/** @param {Json | undefined} value @param {string} name */
function bundledText(value, name) {
  if (typeof value !== "string" || characters(value) > TEXT_CHARACTERS_MAX) {
    throw new BundleError(`${name} is not a text of at most ${TEXT_CHARACTERS_MAX} characters`);
  }
  return value;
}

/** @param {Json | undefined} value */
function bundledSteps(value) {
  if (!Array.isArray(value) || value.length !== STEPS.length) {
    throw new BundleError(`steps is not an array of ${STEPS.length}`);
  }
  return value.map((text, at) => (text === null ? null : bundledText(text, STEPS[at])));
}

/** @template Part @param {Json | undefined} value @param {(value: Json, path: string) => Part} read */
function parts(value, read) {
  if (!(value instanceof Map) || value.size > PARTS_MAX) {
    throw new BundleError(`disclosures or evidence is not an object of at most ${PARTS_MAX} members`);
  }
  return new Map([...value].map(([path, part]) => [path, read(part, path)]));
}

/** @param {Json} value @param {string} path @returns {EvidenceLabel} */
function label(value, path) {
  if (!(value instanceof Map) || !hasExactly(value, ["media_type", "size"])) {
    throw new BundleError(`${path} does not have exactly media_type and size`);
  }
  const [mediaType, size] = [value.get("media_type"), value.get("size")];
  if (typeof mediaType !== "string" || typeof size !== "number" || size < 0) {
    throw new BundleError(`${path} has no media type or no size`);
  }
  return { mediaType, size };
}

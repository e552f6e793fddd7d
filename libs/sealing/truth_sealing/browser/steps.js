// @ts-check
/** The seven steps of the path: who signs each, what a link tells of its body, and the check of its signature. */

import { NotCanonicalError, StrictError, canonical, strictObject } from "./json.js";
import { joined, looseBase64, utf8 } from "./octets.js";
/** @import { PublicKey } from "./keys.js" */
/** @import { Json, Members } from "./value.js" */

/** What stands for a step when its body is withheld; `members` is the link as it stands in the Record.
 * @typedef {{ step: string, at: string, actor: string, sha256: string, sig: string, facts: Members,
 *   members: Members }} Link */

/** The service that writes and signs each step, in the only order there is. */
export const STEP_OWNERS = new Map([
  ["request", "intake"],
  ["intake", "intake"],
  ["task_approved", "governance"],
  ["task_assigned", "governance"],
  ["job_created", "governance"],
  ["job_claimed", "execution"],
  ["service_event_completed", "execution"],
]);
export const STEPS = [...STEP_OWNERS.keys()];

/** @type {Map<string, string[][]>} */
const FACTS = new Map([
  ["intake", [["maturity"], ["surface"]]],
  ["task_assigned", [["operator_id"]]],
  ["job_created", [["job", "operator_id"], ["job", "maturity"]]],
  ["service_event_completed", [["outcome"], ["evidence_missing"]]],
]);
const DOMAIN = utf8("runtime-truth/step/v1\n");

/** Something shown that does not hold together with its digest; the message names the failed check. */
export class BrokenChainError extends Error {}

/** Whether `link` is signed by one of `keys`, for this request and predecessor.
 * @param {Link} link @param {string} requestId @param {string | null} prev @param {readonly PublicKey[]} keys */
export async function isSigned(link, requestId, prev, keys) {
  const signature = looseBase64(link.sig);
  if (signature === null) return false;
  const signed = new Map([...link.members, ["request_id", requestId], ["prev", prev]]);
  signed.delete("sig");
  const message = joined(DOMAIN, utf8(canonical(signed)));
  for (const key of keys) if (await key.hasSigned(message, signature)) return true;
  return false;
}

/** The facts that a link of `step` tells of `body`; raises BrokenChainError when the body lacks one.
 * @param {string} step @param {Members} body @returns {Members} */
export function factsOf(step, body) {
  /** @type {Members} */
  const facts = new Map();
  for (const path of FACTS.get(step) ?? []) {
    /** @type {Json | undefined} */
    let value = body;
    for (const name of path) value = value instanceof Map ? value.get(name) : undefined;
    if (value === undefined) {
      throw new BrokenChainError(`facts: the body of ${step} has no ${path.join(".")}`);
    }
    facts.set(path[path.length - 1], value);
  }
  return facts;
}

/** The members of a step's canonical text; raises BrokenChainError when it is none.
 * @param {string} step @param {string} text */
export function readBody(step, text) {
  try {
    const body = strictObject(text);
    if (canonical(body) === text) return body;
  } catch (error) {
    const isRefused = error instanceof StrictError || error instanceof NotCanonicalError;
    throw isRefused ? new BrokenChainError(`text: ${step} cannot be read: ${error.message}`) : error;
  }
  throw new BrokenChainError(`text: ${step} is not in canonical form`);
}

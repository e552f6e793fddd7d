// @ts-check
/** Whether no step of the path was skipped, who signed it, and whether nobody judged their own work. */

import { finding } from "./findings.js";
import { readInstant } from "./instants.js";
import { member } from "./json.js";
import { STEPS, STEP_OWNERS, isSigned } from "./steps.js";
/** @import { Keyring } from "./keyring.js" */
/** @import { SealedRecord } from "./record.js" */
/** @import { Shown } from "./shown.js" */

const SKEW_MINUTES = 5;
/** The steps in which somebody acts; an Intake opens its Task by itself. */
const WITH_DUTIES = STEPS.filter((step) => step !== "intake");

/** The steps whose links are signed by a pinned key of their owner, for this request and predecessor.
 * @param {SealedRecord} record @param {Keyring | null} keyring */
export async function signedSteps(record, keyring) {
  /** @type {Set<string>} */
  const signed = new Set();
  for (const link of record.chain) {
    const keys = keyring?.stepKeys(STEP_OWNERS.get(link.step) ?? "", link.at) ?? [];
    if (await isSigned(link, record.get("request_id"), record.prev(link.step), keys)) signed.add(link.step);
  }
  return signed;
}

/** All seven signatures, or none that could be checked.
 * @param {Keyring | null} keyring @param {ReadonlySet<string>} signed */
export function pathSigned(keyring, signed) {
  if (!keyring?.hasStepKeys) return finding("path_signed", { missing: ["no step keys are pinned"] });
  const unsigned = STEPS.filter((step) => !signed.has(step));
  return finding("path_signed", {
    wrong: unsigned.map((step) => `${step} is not signed by ${STEP_OWNERS.get(step)}`),
    right: "all seven links are signed by their owners",
  });
}

/** Seven steps in order for one request, each bound to the one before it by its body or its signature.
 * @param {SealedRecord} record @param {Shown} shown @param {ReadonlySet<string>} signed */
export function pathComplete(record, shown, signed) {
  const unbound = STEPS.filter((step) => !shown.bodies.has(step) && !signed.has(step));
  return finding("path_complete", {
    wrong: [...bodyProblems(record, shown), ...timeProblems(record)],
    missing: unbound.map((step) => `nothing binds ${step} to the step before it`),
    right: "seven steps in order, each following the one before it",
  });
}

/** Whoever asked did not approve, whoever claimed was assigned, and people did both.
 * @param {SealedRecord} record @param {Shown} shown @param {ReadonlySet<string>} signed */
export function dutiesSeparated(record, shown, signed) {
  const [requester, approver] = [record.link("request").actor, record.link("task_approved").actor];
  const unbound = WITH_DUTIES.filter((step) => !shown.bodies.has(step) && !signed.has(step));
  const anonymous = requester === "anonymous" ? ["the requester is anonymous"] : [];
  return finding("duties_separated", {
    wrong: [...dutyProblems(record, shown)],
    missing: [...anonymous, ...unbound.map((step) => `nothing vouches for who did ${step}`)],
    right: `asked by ${requester}, approved by ${approver}, claimed by the assigned operator`,
  });
}

/** @param {SealedRecord} record @param {Shown} shown */
function* bodyProblems(record, shown) {
  for (const [step, body] of shown.bodies) {
    if (body.get("request_id") !== record.get("request_id")) yield `${step} belongs to another request`;
    if (member(body, "prev") !== record.prev(step)) yield `${step} does not follow the step before it`;
  }
}

/** @param {SealedRecord} record */
function* timeProblems(record) {
  let before = 0;
  const told = record.chain.map((link) => [link.step, link.at]);
  for (const [what, text] of [...told, ["the Record", record.get("recorded_at")]]) {
    const at = readInstant(text);
    if (at === null) {
      yield `the time of ${what} is not an instant`;
    } else if (at < before - SKEW_MINUTES * 60_000) {
      yield `${what} lies more than ${SKEW_MINUTES} minutes before the step before it`;
    }
    before = at ?? 0;
  }
}

/** @param {SealedRecord} record @param {Shown} shown */
function* dutyProblems(record, shown) {
  const [approver, creator] = [record.link("task_approved").actor, record.link("job_created").actor];
  if (approver === record.link("request").actor) yield "whoever asked also approved";
  const subject = member(shown.body("request"), "requester", "subject");
  if (typeof subject === "string" && approver === `person:${subject}`) {
    yield "the person for whom the work was asked also approved";
  }
  const assignee = `person:${record.get("operator_id")}`;
  if (record.link("job_claimed").actor !== assignee) yield "the Job was not claimed by the assigned operator";
  if (record.link("service_event_completed").actor !== assignee) {
    yield "the work was not completed by the assigned operator";
  }
  if (!approver.startsWith("person:")) yield "the approval is not a person's";
  if (!creator.startsWith("person:")) yield "Create Job is not a person's command";
}

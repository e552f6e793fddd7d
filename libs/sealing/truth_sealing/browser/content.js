// @ts-check
/** What a verified bundle says, for people: who took part by role, what happened when, and the evidence. */

import { readBundle } from "./bundle.js";
import { sha256Hex, utf8 } from "./octets.js";
import { readRecord } from "./record.js";
import { readShown } from "./shown.js";
import { words } from "./telling.js";
/** @import { Octets } from "./octets.js" */

/** @typedef {{ step: string, at: string, by: string }} StepTaken */
/** @typedef {{ path: string, sha256: string }} Piece */
/** @typedef {{ digest: string, members: [string, string][], steps: StepTaken[], pieces: Piece[] }} Content */

/** Values that a page may show. Names and contacts are in the bundle, and stay there. */
const SHOWN = new Map([
  ["summary", "Asked for"],
  ["place", "Place"],
]);
const TITLES = new Map([
  ["request", "Request"],
  ["intake", "Intake"],
  ["task_approved", "Task approved"],
  ["task_assigned", "Task assigned"],
  ["job_created", "Job created"],
  ["job_claimed", "Job claimed"],
  ["service_event_completed", "ServiceEvent completed"],
]);
const ACTORS = new Map([
  ["person", "a person"],
  ["client", "a machine of the requester"],
  ["upstream", "an upstream system"],
  ["service", "the service itself"],
]);

/** What the bundle of a report without a `no` says. @param {Octets} octets @returns {Promise<Content>} */
export async function contentOf(octets) {
  const bundle = readBundle(octets);
  const record = readRecord(bundle.record);
  const { values } = await readShown(bundle, record);
  const reason = record.members.get("reason");
  const notes = [...values].filter(([path]) => path.startsWith("notes/"));
  /** @type {[string, string][]} */
  const members = [
    ["Outcome", words(record.get("outcome")) + (typeof reason === "string" ? ` (${words(reason)})` : "")],
    ...[...SHOWN].filter(([path]) => values.has(path)).map(([path, title]) => pair(title, values.get(path))),
    ["Surface", `${record.get("surface")} · ${record.get("maturity")}`],
    ["Started", record.get("started_at")],
    ["Completed", record.get("completed_at")],
    ["Sealed", record.get("recorded_at")],
    ...notes.map(([, text]) => pair("Note", text)),
  ];
  const steps = record.chain.map(({ step, at, actor }) => {
    return { step: TITLES.get(step) ?? step, at, by: roleOf(actor) };
  });
  const evidence = [...values].filter(([path]) => path.startsWith("evidence/"));
  const pieces = evidence.map(([path, sha256]) => ({ path, sha256 }));
  return { digest: await sha256Hex(utf8(record.text)), members, steps, pieces };
}

/** @param {string} title @param {string | undefined} value @returns {[string, string]} */
function pair(title, value) {
  return [title, value ?? ""];
}

/** @param {string} actor */
function roleOf(actor) {
  return ACTORS.get(actor.split(":")[0]) ?? "somebody anonymous";
}

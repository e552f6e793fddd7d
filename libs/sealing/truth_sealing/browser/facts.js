// @ts-check
/** Whether a Record says what its steps say: compared with the links' facts and with the bodies shown. */

import { isSame, member, said } from "./json.js";
import { evidenceOf, notesOf, objects } from "./shown.js";
/** @import { SealedRecord } from "./record.js" */
/** @import { Shown } from "./shown.js" */
/** @import { Json, Members } from "./value.js" */

/** What is compared, what the Record says, what the step says.
 * @typedef {[string, Json | undefined, Json | undefined]} Comparison */

/** The step whose body holds what the Record commits to; notes and evidence are numbered. */
const OWNERS = new Map([
  ["requester.name", "request"],
  ["requester.contact", "request"],
  ["place", "request"],
  ["summary", "request"],
  ["operator.name", "task_assigned"],
  ["notes", "service_event_completed"],
  ["evidence", "service_event_completed"],
]);

/** Every way in which the Record differs from its steps. Its chain must be whole.
 * @param {SealedRecord} record @param {Shown} shown */
export function* factProblems(record, shown) {
  for (const [what, ours, theirs] of [...againstLinks(record), ...againstBodies(record, shown)]) {
    if (!isSame(ours, theirs)) yield `the Record differs from its path: ${what}`;
  }
  yield* commitmentProblems(record, shown);
}

/** @param {SealedRecord} record @returns {Generator<Comparison>} */
function* againstLinks(record) {
  const [intake, assigned] = [record.link("intake").facts, record.link("task_assigned").facts];
  const created = record.link("job_created").facts;
  const completed = record.link("service_event_completed");
  yield ["maturity at intake", record.get("maturity"), intake.get("maturity")];
  yield ["maturity of the Job", record.get("maturity"), created.get("maturity")];
  yield ["surface at intake", record.get("surface"), intake.get("surface")];
  yield ["assigned operator", record.get("operator_id"), assigned.get("operator_id")];
  yield ["operator of the Job", record.get("operator_id"), created.get("operator_id")];
  yield ["outcome", record.get("outcome"), completed.facts.get("outcome")];
  yield ["time of completion", record.get("completed_at"), completed.at];
  if (record.get("outcome") === "fulfilled") {
    yield ["fulfilled although evidence is missing", [], completed.facts.get("evidence_missing")];
  }
}

/** @param {SealedRecord} record @param {Shown} shown @returns {Generator<Comparison>} */
function* againstBodies(record, shown) {
  const request = shown.bodies.get("request");
  if (request) yield ["surface of the request", record.get("surface"), request.get("surface")];
  const intake = shown.bodies.get("intake");
  if (intake) yield ["stages of the surface", required(record.members), required(intake)];
  const created = shown.bodies.get("job_created");
  if (created) yield* againstJob(record, created);
  const claimed = shown.bodies.get("job_claimed");
  if (claimed) yield ["claimed Job", record.get("job_id"), claimed.get("job_id")];
  const completed = shown.bodies.get("service_event_completed");
  if (completed) yield* againstCompletion(record, completed);
}

/** @param {SealedRecord} record @param {Members} created @returns {Generator<Comparison>} */
function* againstJob(record, created) {
  const job = created.get("job");
  yield ["Job created", record.get("job_id"), member(job, "job_id")];
  yield ["request of the Job", record.get("request_id"), member(job, "request_id")];
  yield ["surface of the Job", record.get("surface"), member(job, "surface")];
  yield ["stages of the Job", required(record.members), required(job)];
  yield ["assignment frozen in the Job", record.prev("job_created"), member(job, "prev")];
  yield ["who prepared the Job", record.link("job_created").actor, member(job, "prepared_by")];
}

/** @param {SealedRecord} record @param {Members} completed @returns {Generator<Comparison>} */
function* againstCompletion(record, completed) {
  yield ["Job of the completion", record.get("job_id"), completed.get("job_id")];
  yield ["ServiceEvent", record.get("service_event_id"), completed.get("service_event_id")];
  yield ["time of the start", record.get("started_at"), completed.get("started_at")];
  yield ["reason", record.members.get("reason"), completed.get("reason")];
  const done = objects(completed.get("stages"));
  const times = new Map(done.map((stage) => [said(stage.get("name")), stage.get("completed_at")]));
  const counts = objects(completed.get("evidence")).map((piece) => said(piece.get("stage")));
  for (const stage of objects(record.members.get("stages"))) {
    const name = said(stage.get("name"));
    const count = counts.filter((one) => one === name).length;
    yield [`completion of stage ${name}`, stage.get("completed_at"), times.get(name)];
    yield [`pieces of evidence for stage ${name}`, stage.get("evidence_count"), count];
  }
}

/** @param {Json | undefined} body @returns {Json} */
function required(body) {
  const named = objects(member(body, "stages"));
  return named.map((stage) => [stage.get("name") ?? null, stage.get("evidence_required") ?? null]);
}

/** @param {SealedRecord} record @param {Shown} shown */
function* commitmentProblems(record, shown) {
  const told = toldBy(shown);
  for (const path of record.commitments.keys()) {
    const owner = OWNERS.get(path.split("/")[0]);
    if (owner === undefined || (shown.bodies.has(owner) && !told.has(path))) {
      yield `the Record commits to ${path}, which no step tells`;
    }
  }
  for (const [path, value] of told) {
    if (!record.commitments.has(path)) yield `the Record leaves out ${path}`;
    if (shown.values.has(path) && !isSame(shown.values.get(path), value)) {
      yield `the Record commits to another ${path} than its step tells`;
    }
  }
}

/** What the bodies shown hold of that to which a Record commits. @param {Shown} shown */
function toldBy(shown) {
  const [request, completed] = [shown.body("request"), shown.body("service_event_completed")];
  /** @type {[string, Json][]} */
  const told = [
    ["requester.name", member(request, "requester", "name")],
    ["requester.contact", member(request, "requester", "contact")],
    ["place", member(request, "place")],
    ["summary", member(request, "summary")],
    ["operator.name", member(shown.body("task_assigned"), "operator_name")],
  ];
  for (const [path, note] of notesOf(completed)) told.push([path, member(note, "text")]);
  for (const [path, piece] of evidenceOf(completed)) told.push([path, member(piece, "sha256")]);
  return new Map(told.filter(([, value]) => value !== null));
}

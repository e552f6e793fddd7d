// @ts-check
/** Whether the bytes of every piece of evidence are there and are those that the Record commits to. */

import { finding } from "./findings.js";
import { isSame, said } from "./json.js";
/** @import { EvidenceLabel } from "./bundle.js" */
/** @import { SealedRecord } from "./record.js" */
/** @import { Shown } from "./shown.js" */

/** A file given beside the bundle: the digest of its bytes, and how many they are.
 * @typedef {{ sha256: string, size: number }} EvidenceFile */

/** Whether a file fits each piece. `files` by name, null when none was given.
 * @param {SealedRecord} record @param {Shown} shown @param {ReadonlyMap<string, EvidenceFile> | null} files
 * @param {ReadonlyMap<string, EvidenceLabel>} labels */
export function evidenceComplete(record, shown, files, labels) {
  const paths = [...record.commitments.keys()].filter((path) => path.startsWith("evidence/"));
  const pieces = new Map([...shown.values].filter(([path]) => path.startsWith("evidence/")));
  const refused = paths.filter((path) => shown.refused.has(path));
  const wrong = refused.map((path) => `${path} is not what the Record commits to`);
  const missing = paths.filter((path) => !pieces.has(path)).map((path) => `${path} is not disclosed`);
  if (files === null && pieces.size > 0) {
    missing.push("no folder with the bytes was given");
  } else {
    compareFiles(pieces, files ?? new Map(), labels, { wrong, missing });
  }
  missing.push(...neverGiven(record));
  return finding("evidence_complete", { wrong, missing, right: `${paths.length} pieces, all there` });
}

/** @param {ReadonlyMap<string, string>} pieces digests by path @param {ReadonlyMap<string, EvidenceFile>} files
 * @param {ReadonlyMap<string, EvidenceLabel>} labels @param {{ wrong: string[], missing: string[] }} told */
function compareFiles(pieces, files, labels, { wrong, missing }) {
  const given = new Map([...files.values()].map((file) => [file.sha256, file]));
  const lacking = [...pieces].filter(([, digest]) => !given.has(digest));
  if (lacking.length > 0) {
    const strangers = unfit(files, new Set(pieces.values()));
    wrong.push(...strangers.map((name) => `${name} is not the evidence it is given as`));
    missing.push(...lacking.map(([path]) => `the bytes of ${path} are not there`));
  }
  for (const [path, digest] of pieces) {
    const [file, label] = [given.get(digest), labels.get(path)];
    if (file && label && label.size !== file.size) wrong.push(`${path} has another size than the bundle says`);
  }
}

/** Files that fit no piece. One named by its own digest is simply evidence of something else.
 * @param {ReadonlyMap<string, EvidenceFile>} files @param {ReadonlySet<string>} wanted */
function unfit(files, wanted) {
  const strangers = [...files].filter(([, file]) => !wanted.has(file.sha256));
  return strangers.filter(([name, file]) => stem(name) !== file.sha256).map(([name]) => name);
}

/** @param {string} name */
function stem(name) {
  return (name.split("/").at(-1) ?? "").split(".")[0];
}

/** @param {SealedRecord} record */
function neverGiven(record) {
  const { facts } = record.link("service_event_completed");
  const stages = facts.has("evidence_missing") ? facts.get("evidence_missing") : [];
  if (isSame(stages, [])) return [];
  return [`the work ended without the evidence required for ${said(stages)}`];
}

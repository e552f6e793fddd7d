// @ts-check
/** Whether the bytes of every piece of evidence are there and are those that the Record commits to. */

import { finding } from "./findings.js";
import { isSame, member, said } from "./json.js";
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
  const given = new Map([...(files ?? [])].map(([, file]) => [file.sha256, file]));
  const wrong = paths.filter((path) => shown.refused.has(path));
  const pieces = new Map(paths.filter((path) => shown.values.has(path)).map((path) => [path, shown.values.get(path) ?? ""]));
  const lacking = [...pieces].filter(([, digest]) => !given.has(digest)).map(([path]) => path);
  const resized = [...pieces].filter(([path, digest]) => {
    const [file, label] = [given.get(digest), labels.get(path)];
    return file && label && label.size !== file.size;
  });
  const isWithout = files === null && pieces.size > 0;
  const strangers = isWithout || lacking.length === 0 ? [] : unfit(files ?? new Map(), new Set(pieces.values()));
  return finding("evidence_complete", {
    wrong: [
      ...wrong.map((path) => `${path} is not what the Record commits to`),
      ...strangers.map((name) => `${name} is not the evidence it is given as`),
      ...resized.map(([path]) => `${path} has another size than the bundle says`),
    ],
    missing: [
      ...paths.filter((path) => !pieces.has(path)).map((path) => `${path} is not disclosed`),
      ...(isWithout ? ["no folder with the bytes was given"] : lacking.map((path) => `the bytes of ${path} are not there`)),
      ...neverGiven(record),
    ],
    right: `${paths.length} pieces, all there`,
  });
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
  const stages = member(record.link("service_event_completed").facts, "evidence_missing");
  const isEmpty = stages === null || isSame(stages, []);
  return isEmpty ? [] : [`the work ended without the evidence required for ${said(stages)}`];
}

// @ts-check
/** Checks a bundle offline, in the order in which one thing makes the next one reliable.
 *
 * The same checks in the same order, under the same names and in the same words as `truth_sealing.verify`: a test
 * holds the two against each other. No dependency; WebCrypto does the digests and the signatures.
 */

import { BundleError, readBundle } from "./bundle.js";
import { evidenceComplete } from "./evidence.js";
import { factProblems } from "./facts.js";
import { FINDINGS, finding } from "./findings.js";
import { readKeyring } from "./keyring.js";
import { checkLog } from "./logged.js";
import { createJobSigned } from "./passkey.js";
import { dutiesSeparated, pathComplete, pathSigned, signedSteps } from "./path.js";
import { parsePolicy } from "./policy.js";
import { RecordError, readRecord } from "./record.js";
import { readShown } from "./shown.js";
import { checkPlatform } from "./signatures.js";
/** @import { Bundle } from "./bundle.js" */
/** @import { EvidenceFile } from "./evidence.js" */
/** @import { Finding, Report } from "./findings.js" */
/** @import { LogCheck, Trust } from "./logged.js" */
/** @import { Octets } from "./octets.js" */
/** @import { SealedRecord } from "./record.js" */

/** What a verifier pins. Raises PolicyError or KeyringError when the files cannot be used.
 * @param {Octets} policy @param {Octets | null} keys @returns {Promise<Trust>} */
export async function readTrust(policy, keys) {
  return { policy: await parsePolicy(policy), keyring: keys === null ? null : await readKeyring(keys) };
}

/** Check a bundle's file. Raises CannotCheckError when this platform cannot check signatures, and nothing else,
 * whatever the file holds. `files` are the evidence by name, null when none was given.
 * @param {Octets} octets @param {Trust} trust @param {ReadonlyMap<string, EvidenceFile> | null} files
 * @returns {Promise<Report>} */
export async function verify(octets, trust, files) {
  await checkPlatform();
  try {
    const bundle = readBundle(octets);
    return await check(bundle, readRecord(bundle.record), trust, files);
  } catch (error) {
    if (error instanceof BundleError) return unreadable(`the bundle cannot be read: ${error.message}`);
    if (error instanceof RecordError) return unreadable(error.message);
    throw error;
  }
}

/** @param {Bundle} bundle @param {SealedRecord} record @param {Trust} trust
 * @param {ReadonlyMap<string, EvidenceFile> | null} files @returns {Promise<Report>} */
async function check(bundle, record, trust, files) {
  const log = await checkLog(await record.entry(), bundle.proof, trust);
  const subject = subjectOf(record, log);
  if (!record.hasWholeChain) return { findings: withoutPath(log), subject };
  const shown = await readShown(bundle, record);
  const signed = await signedSteps(record, trust.keyring);
  const findings = [
    finding("integrity", {
      wrong: [...log.broken, ...shown.wrong, ...factProblems(record, shown)],
      right: "the Record is the one in the log, and all that is shown fits it",
    }),
    log.logged,
    log.witnessed,
    pathComplete(record, shown, signed),
    pathSigned(trust.keyring, signed),
    dutiesSeparated(record, shown, signed),
    await createJobSigned(shown.body("job_created")),
    evidenceComplete(record, shown, files, bundle.evidence),
    corrected(log),
  ];
  return { findings, subject };
}

/** @param {LogCheck} log @returns {Finding[]} */
function withoutPath(log) {
  const why = "the chain does not name the seven steps in order";
  const rest = FINDINGS.slice(4, -1).map((name) => finding(name, { missing: [why] }));
  const integrity = finding("integrity", { wrong: [...log.broken, why] });
  const path = finding("path_complete", { wrong: [why] });
  return [integrity, log.logged, log.witnessed, path, ...rest, corrected(log)];
}

/** @param {LogCheck} log */
function corrected(log) {
  const size = log.position?.size ?? 0n;
  const why = `not known as of log size ${size}: a bundle does not carry corrections`;
  return finding("corrected", { missing: [why] });
}

/** @param {string} why @returns {Report} */
function unreadable(why) {
  const rest = FINDINGS.slice(1).map((name) => finding(name, { missing: ["nothing could be read"] }));
  return { findings: [finding("integrity", { wrong: [why] }), ...rest], subject: new Map() };
}

/** Which Record and checkpoint a report is about. @param {SealedRecord} record @param {LogCheck} log */
function subjectOf(record, { position }) {
  const names = ["record_id", "request_id", "surface", "maturity", "outcome"];
  const subject = new Map(names.map((name) => [name, record.get(name)]));
  for (const [name, value] of Object.entries(position ?? {})) subject.set(name, String(value));
  return subject;
}

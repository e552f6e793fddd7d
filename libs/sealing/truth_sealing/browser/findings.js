// @ts-check
/** What a check of a bundle answers: separate findings; and the one verdict that a page shows above them. */

/** @typedef {"yes" | "no" | "not shown"} Answer */
/** @typedef {{ name: string, answer: Answer, reason: string }} Finding */
/** @typedef {{ findings: Finding[], subject: Map<string, string> }} Report */
/** @typedef {"verified" | "failed" | "cannot"} Verdict */

/** Names of the findings, in the order in which they are told. */
export const FINDINGS = [
  "integrity",
  "logged",
  "witnessed",
  "path_complete",
  "path_signed",
  "duties_separated",
  "create_job_signed_by_person",
  "evidence_complete",
  "corrected",
];

/** What must have been shown before a page says Verified. The rest a bundle may withhold. */
export const NEEDED = ["integrity", "logged", "path_complete", "path_signed"];

/** `no` when anything is wrong, else `not shown` when anything is missing, else `yes`.
 * @param {string} name @param {{ wrong?: string[], missing?: string[], right?: string }} told @returns {Finding} */
export function finding(name, { wrong = [], missing = [], right = "" }) {
  if (wrong.length > 0) return { name, answer: "no", reason: [...new Set(wrong)].join("; ") };
  if (missing.length > 0) return { name, answer: "not shown", reason: [...new Set(missing)].join("; ") };
  return { name, answer: "yes", reason: right };
}

/** One verdict, and the findings it rests on: what failed, or what could not be checked. Never Verified beside a no.
 * @param {Report} report @returns {{ verdict: Verdict, because: Finding[] }} */
export function judge(report) {
  const failed = report.findings.filter((found) => found.answer === "no");
  if (failed.length > 0) return { verdict: "failed", because: failed };
  const open = report.findings.filter((found) => found.answer !== "yes" && NEEDED.includes(found.name));
  return open.length > 0 ? { verdict: "cannot", because: open } : { verdict: "verified", because: [] };
}

// @ts-check
/** What every page of the verifier shows: one verdict in a status region, and the findings below it. */

import { judge } from "./findings.js";
/** @import { Finding, Report, Verdict } from "./findings.js" */

const FAILED_HINT =
  "Do not rely on this copy. Ask whoever gave it to you for the file as it was served, and check that one.";
const CANNOT_HINT =
  "Nothing is said for or against the Record. The command python -m truth_sealing verify checks it without a browser.";

/** @param {string} id */
export function byId(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`this page has no ${id}`);
  return found;
}

/** @template {keyof HTMLElementTagNameMap} Tag @param {Tag} tag @param {string} text @param {string} className */
export function made(tag, text = "", className = "") {
  const element = document.createElement(tag);
  element.textContent = text;
  if (className) element.className = className;
  return element;
}

/** @param {Verdict | "none"} verdict @param {string} title @param {string} detail */
export function tell(verdict, title, detail) {
  const inner = made("div");
  inner.append(made("strong", title), made("span", detail, "soft"));
  byId("verdict").dataset.verdict = verdict;
  byId("verdict").replaceChildren(inner);
}

/** @param {string} why */
export function tellCannot(why) {
  byId("findings").hidden = true;
  tell("cannot", "Cannot check now", `${why}. ${CANNOT_HINT}`);
}

/** Show a report and its verdict; `detail` says in what sense it is Verified, if it is.
 * @param {Report} report @param {string} detail */
export function tellReport(report, detail) {
  const { verdict, because } = judge(report);
  byId("checks").replaceChildren(...report.findings.map(findingItem));
  byId("findings").hidden = false;
  const names = because.map((one) => words(one.name)).join(", ");
  const reasons = [...new Set(because.flatMap((one) => one.reason.split("; ")))].join("; ");
  if (verdict === "verified") tell(verdict, "Verified", detail);
  else if (verdict === "failed") tell(verdict, `Failed: ${names}`, `${reasons}. ${FAILED_HINT}`);
  else tell(verdict, "Cannot check now", `Not shown: ${names} (${reasons}). ${CANNOT_HINT}`);
  return verdict;
}

/** A name of the contract, for people. @param {string} name */
export function words(name) {
  return name.replaceAll("_", " ");
}

/** @param {string} digest */
export function grouped(digest) {
  return (digest.match(/.{1,4}/g) ?? []).join(" ");
}

/** Octets from a text in base64, as pages carry them. @param {string} text */
export function carried(text) {
  return Uint8Array.from(atob(text), (one) => one.charCodeAt(0));
}

/** @param {Finding} found */
function findingItem({ name, answer, reason }) {
  const item = made("li", "", answer.replace(" ", "-"));
  const told = made("span");
  told.append(made("b", words(name)), `: ${answer}. `, made("span", reason, "soft"));
  item.append(told);
  return item;
}

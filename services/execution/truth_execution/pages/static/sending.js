// @ts-check
/** Sends one item, and judges the answer. Nothing counts as received but the server's own word for it. */

/** @import {Item, Theirs} from "./kept.js" */
/**
 * @typedef {{kind: "received"} | {kind: "later", seconds: number} | {kind: "away"} | {kind: "signIn"}
 *   | {kind: "refused", reason: string} | {kind: "conflict", reason: string, theirs: Theirs | null}} Verdict
 */
/** @typedef {{status: number, body: Record<string, any>, retrySeconds: number}} Answer */

const STILL_MILLISECONDS = 60000;
const TOO_LARGE = 413; // whoever says so, a proxy without a word of ours too: the same bytes never pass

/**
 * @param {Item} item
 * @param {ArrayBuffer | undefined} octets
 * @param {(percent: number) => void} told
 * @returns {Promise<Verdict>}
 */
export async function send(item, octets, told) {
  if (item.what === "evidence") {
    const put = await ask(item.person, "PUT", `/evidence/${item.fields.sha256}`, octets ?? new ArrayBuffer(0), told);
    const verdict = judge(put, put.body.sha256 === item.fields.sha256);
    if (verdict.kind !== "received") return verdict;
  }
  const form = new URLSearchParams({ once: item.id, ...item.fields });
  const answer = await ask(item.person, "POST", `/jobs/${item.job}/${item.what}`, form, () => {});
  return judge(answer, answer.body.command_id === item.id);
}

/**
 * @param {Answer} answer
 * @param {boolean} isOurs whether a success tells of this very item: a hotel's sign-in page, say, does not
 * @returns {Verdict}
 */
export function judge(answer, isOurs) {
  const { status, body, retrySeconds } = answer;
  const reason = String(body.detail ?? body.title ?? status);
  if (status === 0) return { kind: "away" };
  if (status === 401) return { kind: "signIn" };
  if (status === 409) return { kind: "conflict", reason, theirs: theirsIn(body) };
  if (status === 408 || status === 429 || status >= 500) return { kind: "later", seconds: retrySeconds };
  if (status === TOO_LARGE || (status >= 400 && typeof body.code === "string")) return { kind: "refused", reason };
  return status < 300 && isOurs ? { kind: "received" } : { kind: "later", seconds: 0 };
}

/** @param {Record<string, any>} body @returns {Theirs | null} */
function theirsIn(body) {
  const now = body.current;
  if (!now) return null;
  const started = now.service_event ? `, ServiceEvent ${now.service_event.state}` : "";
  return { state: `Job ${now.job_state}${started}`, who: now.changed_by, at: now.changed_at };
}

/**
 * XMLHttpRequest, since fetch does not tell how much of an upload is out. It says whose work it brings: the cookie may
 * be somebody else's by now.
 * @param {string} person
 * @param {string} method
 * @param {string} url
 * @param {ArrayBuffer | URLSearchParams} body
 * @param {(percent: number) => void} told
 * @returns {Promise<Answer>} status 0 when there was none
 */
function ask(person, method, url, body, told) {
  return new Promise((resolve) => {
    const request = new XMLHttpRequest();
    request.open(method, url);
    request.setRequestHeader("Accept", "application/json");
    request.setRequestHeader("Truth-Person", encodeURIComponent(person));
    let still = setTimeout(() => request.abort(), STILL_MILLISECONDS);
    request.upload.onprogress = (event) => {
      clearTimeout(still);
      still = setTimeout(() => request.abort(), STILL_MILLISECONDS);
      if (event.lengthComputable) told(Math.floor((100 * event.loaded) / event.total));
    };
    request.onloadend = () => {
      clearTimeout(still);
      const retrySeconds = Number(request.getResponseHeader("Retry-After")) || 0;
      resolve({ status: request.status, body: read(request.responseText), retrySeconds });
    };
    request.send(body);
  });
}

/** @param {string} text @returns {Record<string, any>} */
function read(text) {
  try {
    const body = JSON.parse(text);
    return body !== null && typeof body === "object" ? body : {};
  } catch {
    return {};
  }
}

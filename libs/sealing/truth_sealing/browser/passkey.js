// @ts-check
/** A person's passkey over the frozen Job (W3C WebAuthn Level 3 section 7.2), checked offline. */

import { finding } from "./findings.js";
import { NotCanonicalError, StrictError, canonical, hasExactly, member, strictObject } from "./json.js";
import { base64Url, decodeBase64Url, hex, joined, sha256, sha256Hex, utf8 } from "./octets.js";
import { isEd25519, isEs256 } from "./signatures.js";
/** @import { Octets } from "./octets.js" */
/** @import { Json, Members } from "./value.js" */

/** @typedef {{ publicKey: Octets, data: Octets, clientOctets: Octets, signature: Octets,
 *   client: Members }} Assertion */

const PROOF_MEMBERS = ["public_key", "authenticator_data", "client_data_json", "signature"];
const DATA_BYTES_MIN = 37; // digest of the RP id, flags, counter
const PRESENT_AND_VERIFIED = 0x05;
const ORIGIN = /^(https?):\/\/([a-z0-9.-]+)(?::[0-9]{1,5})?$/;
/** What stands before the key in its SubjectPublicKeyInfo: 0x04 and a point of P-256, or an Ed25519 key. */
const P256_HEAD = "3059301306072a8648ce3d020106082a8648ce3d030107034200";
const ED25519_HEAD = "302a300506032b6570032100";

/** Whether a passkey signed the frozen Job. It shows this key and this site, not whose key it is.
 * @param {Members} created the body of job_created; empty when it is withheld */
export async function createJobSigned(created) {
  const name = "create_job_signed_by_person";
  const proof = member(created, "proof");
  if (proof === null) {
    const why = created.size > 0 ? "no passkey was asked for" : "the body of job_created is withheld";
    return finding(name, { missing: [why] });
  }
  const assertion = assertionOf(proof);
  if (assertion === null) return finding(name, { wrong: ["the passkey proof cannot be read"] });
  const key = await sha256Hex(assertion.publicKey);
  return finding(name, {
    wrong: await assertionProblems(assertion, member(created, "job")),
    right: `by the passkey ${key} at ${originOf(assertion)}, user verified`,
  });
}

/** @param {Json} proof @returns {Assertion | null} */
function assertionOf(proof) {
  if (!(proof instanceof Map) || !hasExactly(proof, PROOF_MEMBERS)) return null;
  const parts = PROOF_MEMBERS.map((name) => {
    const value = proof.get(name);
    return typeof value === "string" ? decodeBase64Url(value) : null;
  });
  const [publicKey, data, clientOctets, signature] = parts;
  if (!publicKey || !data || !clientOctets || !signature) return null;
  try {
    return { publicKey, data, clientOctets, signature, client: strictObject(clientOctets) };
  } catch (error) {
    if (error instanceof StrictError) return null;
    throw error;
  }
}

/** @param {Assertion} assertion @param {Json} job */
async function assertionProblems(assertion, job) {
  const { client, data } = assertion;
  const problems = [];
  if (client.get("type") !== "webauthn.get") {
    problems.push("the passkey did not sign in answer to a question (webauthn.get)");
  }
  const asked = client.get("challenge");
  if (!asked || asked !== (await challengeOf(job))) problems.push("the passkey signed another Job");
  if ((client.has("crossOrigin") ? client.get("crossOrigin") : false) !== false) {
    problems.push("the passkey was asked from within another site");
  }
  if (data.length < DATA_BYTES_MIN || !(await isSite(originOf(assertion), hex(data.subarray(0, 32))))) {
    problems.push("the passkey belongs to another site");
  }
  if (data.length < DATA_BYTES_MIN || (data[32] & PRESENT_AND_VERIFIED) !== PRESENT_AND_VERIFIED) {
    problems.push("the authenticator did not verify its user");
  }
  if (!(await isAsserted(assertion))) problems.push("the passkey's signature is wrong");
  return problems;
}

/** What the passkey is asked to sign: the digest of the frozen Job's canonical form. @param {Json} job */
async function challengeOf(job) {
  try {
    return base64Url(await sha256(utf8(canonical(job))));
  } catch (error) {
    if (error instanceof NotCanonicalError) return "";
    throw error;
  }
}

/** @param {Assertion} assertion */
function originOf(assertion) {
  const origin = assertion.client.get("origin");
  return typeof origin === "string" ? origin : "";
}

/** Whether the key's RP id is the origin's host or a domain above it, reached safely.
 * @param {string} origin @param {string} rpIdHash */
async function isSite(origin, rpIdHash) {
  const [, scheme, host] = ORIGIN.exec(origin) ?? [];
  if (host === undefined || (scheme !== "https" && host !== "localhost")) return false;
  const labels = host.split(".");
  for (let start = 0; start < labels.length; start++) {
    if ((await sha256Hex(utf8(labels.slice(start).join(".")))) === rpIdHash) return true;
  }
  return false;
}

/** @param {Assertion} assertion */
async function isAsserted({ publicKey, data, clientOctets, signature }) {
  const message = joined(data, await sha256(clientOctets));
  const spki = hex(publicKey);
  if (spki.startsWith(`${P256_HEAD}04`) && publicKey.length === 26 + 65) {
    return isEs256(publicKey.slice(26), message, signature);
  }
  if (spki.startsWith(ED25519_HEAD) && publicKey.length === 12 + 32) {
    return isEd25519(publicKey.slice(12), message, signature);
  }
  return false;
}

// @ts-check
/** Whom a verifier trusts (C2SP tlog-policy): logs, witnesses, and how many of them must have cosigned. */

import { KeyFormatError, readVkey, readWitnessVkey } from "./keys.js";
import { textOf } from "./octets.js";
/** @import { PublicKey } from "./keys.js" */
/** @import { Octets } from "./octets.js" */

/** @typedef {{ threshold: number, members: string[] }} Group */

const POLICY_BYTES_MAX = 64 * 1024;
const GROUPS_MAX = 64;
export const NO_QUORUM = "none";

/** The policy cannot be used; the message names the line. */
export class PolicyError extends Error {}

/** A policy file as read. Names are octets: see `named`. */
export class Policy {
  /** @type {PublicKey[]} */
  logs = [];
  /** @type {Map<string, PublicKey>} */
  witnesses = new Map();
  /** @type {Map<string, Group>} */
  groups = new Map();
  quorum = "";

  /** Whether witnesses with these vkeys are enough. @param {ReadonlySet<string>} cosigners */
  isMet(cosigners) {
    return this.quorum === NO_QUORUM || this.hasWitnessed(this.quorum, cosigners);
  }

  /** @param {string} name @param {ReadonlySet<string>} cosigners @returns {boolean} */
  hasWitnessed(name, cosigners) {
    const group = this.groups.get(name);
    if (!group) return cosigners.has(this.witnesses.get(name)?.vkey ?? "");
    return group.members.filter((one) => this.hasWitnessed(one, cosigners)).length >= group.threshold;
  }
}

/** Read a policy file; raises PolicyError. @param {Octets} octets */
export async function parsePolicy(octets) {
  const text = Array.from(octets, (octet) => String.fromCharCode(octet)).join("");
  if (octets.length > POLICY_BYTES_MAX || /[^\t\n -~\x80-\xff]/.test(text)) {
    throw new PolicyError("too long, or a control character other than tab and newline");
  }
  const reader = new PolicyReader();
  for (const [at, line] of text.split("\n").entries()) {
    const words = line.split(/[ \t]+/).filter((word) => word !== "").map(named);
    if (words.length > 0 && !words[0].startsWith("#")) await reader.readLine(words, at + 1);
  }
  if (!reader.policy.quorum) throw new PolicyError("no quorum line");
  return reader.policy;
}

/** Reads line after line: a line may only name what stands before it. */
class PolicyReader {
  policy = new Policy();
  /** @type {Set<string>} */
  grouped = new Set();

  /** @param {string[]} words @param {number} number */
  async readLine(words, number) {
    try {
      await this.read(words);
    } catch (error) {
      if (error instanceof PolicyError || error instanceof KeyFormatError) {
        throw new PolicyError(`line ${number}: ${error.message}`);
      }
      throw error;
    }
  }

  /** @param {string[]} words */
  async read([kind, ...rest]) {
    if (kind === "log" && (rest.length === 1 || rest.length === 2)) {
      this.addLog(await readVkey(rest[0]));
    } else if (kind === "witness" && (rest.length === 2 || rest.length === 3)) {
      this.addWitness(rest[0], await readWitnessVkey(rest[1]));
    } else if (kind === "group" && rest.length >= 2) {
      this.addGroup(rest[0], rest[1], rest.slice(2));
    } else if (kind === "quorum" && rest.length === 1) {
      this.setQuorum(rest[0]);
    } else {
      throw new PolicyError(`not a log, witness, group or quorum line: ${kind}`);
    }
  }

  /** @param {PublicKey} key */
  addLog(key) {
    if (has(this.policy.logs, key)) throw new PolicyError("two logs have the same key");
    this.policy.logs.push(key);
  }

  /** @param {string} name @param {PublicKey} key */
  addWitness(name, key) {
    this.checkNew(name);
    if (has([...this.policy.witnesses.values()], key)) throw new PolicyError("two witnesses have the same key");
    this.policy.witnesses.set(name, key);
  }

  /** @param {string} name @param {string} threshold @param {string[]} members */
  addGroup(name, threshold, members) {
    this.checkNew(name);
    for (const one of members) {
      this.checkDefined(one);
      if (this.grouped.has(one)) throw new PolicyError(`${one} is already in a group`);
      this.grouped.add(one);
    }
    if (this.policy.groups.size === GROUPS_MAX) throw new PolicyError(`more than ${GROUPS_MAX} groups`);
    const count = thresholdOf(threshold, members.length);
    if (count < 1 || count > members.length) {
      throw new PolicyError(`${threshold} of ${members.length} members cannot be met`);
    }
    this.policy.groups.set(name, { threshold: count, members });
  }

  /** @param {string} name */
  setQuorum(name) {
    if (this.policy.quorum) throw new PolicyError("two quorum lines");
    if (name !== NO_QUORUM) this.checkDefined(name);
    this.policy.quorum = name;
  }

  /** @param {string} name */
  checkNew(name) {
    if (name === NO_QUORUM || this.policy.witnesses.has(name) || this.policy.groups.has(name)) {
      throw new PolicyError(`the name ${name} is taken`);
    }
  }

  /** @param {string} name */
  checkDefined(name) {
    if (!this.policy.witnesses.has(name) && !this.policy.groups.has(name)) {
      throw new PolicyError(`${name} is not defined above`);
    }
  }
}

/** @param {readonly PublicKey[]} keys @param {PublicKey} key */
function has(keys, key) {
  return keys.some((one) => String(one.octets) === String(key.octets));
}

/** @param {string} threshold @param {number} members */
function thresholdOf(threshold, members) {
  if (threshold === "all") return members;
  if (threshold === "any") return 1;
  return /^[1-9][0-9]{0,5}$/.test(threshold) ? Number(threshold) : 0;
}

/** A word from its octets, other for other octets: what is no UTF-8 stands behind a sign that no text can hold.
 * @param {string} word */
function named(word) {
  return textOf(Uint8Array.from(word, (sign) => sign.charCodeAt(0))) ?? `\ud800${word}`;
}

// @ts-check
/** The only JSON reader on a path that is hashed, and the canonical form (RFC 8785) of what it reads.
 *
 * Our own reader, since JSON.parse keeps the last of two equal keys and rounds large integers in silence.
 */

import { textOf } from "./octets.js";
/** @import { Octets } from "./octets.js" */
/** @import { Json, Members } from "./value.js" */


const INTEGER_DIGITS_MAX = String(-Number.MAX_SAFE_INTEGER).length;
const NESTING_MAX = 64;
const BLANKS = /[ \t\n\r]*/y;
const NUMBER = /-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?/y;
const PLAIN = /[^"\\\u0000-\u001f]*/y;
const HEX_4 = /[0-9a-fA-F]{4}/y;
const WORD = /null|true|false/y;
const CONSTANT = /NaN|-?Infinity/y;
const LONE_SURROGATE = /[\ud800-\udfff]/u;
const WORDS = new Map(/** @type {[string, Json][]} */ ([["null", null], ["true", true], ["false", false]]));
const ESCAPES = new Map([
  ['"', '"'], ["\\", "\\"], ["/", "/"], ["b", "\b"], ["f", "\f"], ["n", "\n"], ["r", "\r"], ["t", "\t"],
]);

/** The text is not JSON with exactly one meaning; the message says why. */
export class StrictError extends Error {}

/** The document holds something that no contract of ours allows, so it has no canonical form here. */
export class NotCanonicalError extends Error {}

/** A number written with a fraction or an exponent. It has no canonical form here. */
export class Double {
  /** @param {string} digits */
  constructor(digits) {
    this.value = Number(digits);
    if (!Number.isFinite(this.value)) throw new StrictError("a number that overflows");
  }
}

/** The JSON value of `given`, read without tolerance: duplicate keys, integers beyond ±(2^53 - 1), NaN, lone
 * surrogates, a byte-order mark, bad UTF-8 and deep nesting are refused with StrictError (RFC 7493 section 2).
 * @param {Octets | string} given @returns {Json} */
export function strict(given) {
  const text = typeof given === "string" ? given : textOf(given);
  if (text === null) throw new StrictError("not UTF-8");
  if (text.startsWith("\ufeff")) throw new StrictError("starts with a byte-order mark");
  checkNesting(text);
  return new Reader(text).whole();
}

/** Like `strict`, and the value must be an object. @param {Octets | string} given @returns {Members} */
export function strictObject(given) {
  const value = strict(given);
  if (!(value instanceof Map)) throw new StrictError("not a JSON object");
  return value;
}

/** Before anything is read, so that the reader may call itself for what lies within. @param {string} text */
function checkNesting(text) {
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const sign = text[at];
    if (sign === '"') at = endOfText(text, at);
    else if (sign === "[" || sign === "{") depth++;
    else if (sign === "]" || sign === "}") depth--;
    if (depth > NESTING_MAX) throw new StrictError(`nested deeper than ${NESTING_MAX}`);
  }
}

/** Where the quoted text that starts at `start` ends. @param {string} text @param {number} start */
function endOfText(text, start) {
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === "\\") at++;
    else if (text[at] === '"') return at;
  }
  return text.length;
}

class Reader {
  /** @param {string} text */
  constructor(text) {
    this.text = text;
    this.at = 0;
    this.hasLoneSurrogate = false;
  }

  /** @returns {Json} */
  whole() {
    const value = this.value();
    if (this.at < this.text.length) throw this.no();
    if (this.hasLoneSurrogate) throw new StrictError("holds a lone surrogate");
    return value;
  }

  /** One value, with the blanks around it. @returns {Json} */
  value() {
    this.matched(BLANKS);
    const value = this.bare();
    this.matched(BLANKS);
    return value;
  }

  /** @returns {Json} */
  bare() {
    const sign = this.text[this.at];
    if (sign === "{") return this.object();
    if (sign === "[") return this.array();
    if (sign === '"') return this.quoted();
    const constant = this.matched(CONSTANT);
    if (constant) throw new StrictError(`${constant} is not JSON`);
    const word = this.matched(WORD);
    return word ? (WORDS.get(word) ?? null) : this.number();
  }

  /** @returns {Json} */
  object() {
    /** @type {[string, Json][]} */
    const pairs = [];
    this.at++;
    this.matched(BLANKS);
    while (this.text[this.at] !== "}" || pairs.length > 0) {
      this.matched(BLANKS);
      const key = this.quoted();
      this.matched(BLANKS);
      this.take(":");
      pairs.push([key, this.value()]);
      if (this.text[this.at] === "}") break;
      this.take(",");
    }
    this.take("}");
    return membersOf(pairs);
  }

  /** @returns {Json} */
  array() {
    /** @type {Json[]} */
    const values = [];
    this.at++;
    this.matched(BLANKS);
    while (this.text[this.at] !== "]" || values.length > 0) {
      values.push(this.value());
      if (this.text[this.at] === "]") break;
      this.take(",");
    }
    this.take("]");
    return values;
  }

  quoted() {
    const parts = [];
    this.take('"');
    for (;;) {
      parts.push(this.matched(PLAIN));
      if (this.text[this.at] !== "\\") break;
      parts.push(this.escaped());
    }
    this.take('"');
    const value = parts.join("");
    this.hasLoneSurrogate ||= LONE_SURROGATE.test(value);
    return value;
  }

  escaped() {
    const sign = this.text[this.at + 1] ?? "";
    this.at += 2;
    if (sign === "u") return String.fromCharCode(parseInt(this.matched(HEX_4) || this.fail(), 16));
    return ESCAPES.get(sign) ?? this.fail();
  }

  /** @returns {Json} */
  number() {
    const digits = this.matched(NUMBER) || this.fail();
    if (/[.eE]/.test(digits)) return new Double(digits);
    if (digits.length > INTEGER_DIGITS_MAX || !Number.isSafeInteger(Number(digits))) {
      throw new StrictError("an integer beyond ±(2^53 - 1)");
    }
    return Number(digits);
  }

  /** What `pattern` matches here, which is then behind us; empty when it does not. @param {RegExp} pattern */
  matched(pattern) {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text)?.[0] ?? "";
    this.at += found.length;
    return found;
  }

  /** @param {string} sign */
  take(sign) {
    if (this.text[this.at] !== sign) this.fail();
    this.at++;
  }

  /** @returns {never} */
  fail() {
    throw this.no();
  }

  no() {
    return new StrictError(`not JSON at character ${this.at}`);
  }
}

/** @param {[string, Json][]} pairs @returns {Members} */
function membersOf(pairs) {
  /** @type {Members} */
  const members = new Map();
  for (const [key, value] of pairs) {
    if (members.has(key)) throw new StrictError(`a key of ${[...key].length} characters occurs twice`);
    members.set(key, value);
  }
  return members;
}

/** RFC 8785 text of `document`; raises NotCanonicalError. Strings are written as given. @param {Json} document */
export function canonical(document) {
  refuseOther(document, "$");
  return written(document);
}

/** Whether two values are the same JSON. @param {Json | undefined} a @param {Json | undefined} b */
export function isSame(a, b) {
  return canonical([a ?? null]) === canonical([b ?? null]);
}

/** A text itself, anything else in its canonical form: for reasons. @param {Json | undefined} value */
export function said(value) {
  return typeof value === "string" ? value : canonical(value ?? null);
}

/** What lies in `body` under `names`, one inside the other; null when nothing does.
 * @param {Json | undefined} body @param {...string} names @returns {Json} */
export function member(body, ...names) {
  for (const name of names) body = body instanceof Map ? body.get(name) : null;
  return body ?? null;
}

/** Whether an object has exactly these members. @param {Members} members @param {readonly string[]} names */
export function hasExactly(members, names) {
  return members.size === names.length && names.every((name) => members.has(name));
}

/** @param {Json} value @returns {string} */
function written(value) {
  if (Array.isArray(value)) return `[${value.map(written).join(",")}]`;
  if (!(value instanceof Map)) return JSON.stringify(value);
  const sorted = [...value.keys()].sort(); // all ASCII, so that UTF-16 units sort like code points
  return `{${sorted.map((key) => `${JSON.stringify(key)}:${written(value.get(key) ?? null)}`).join(",")}}`;
}

/** @param {Json} value @param {string} at */
function refuseOther(value, at) {
  if (value instanceof Map) {
    for (const [key, one] of value) {
      if (!/^[\u0000-\u007f]*$/.test(key)) {
        throw new NotCanonicalError(`${at}: the key ${quotedAscii(key)} is not an ASCII string`);
      }
      refuseOther(one, `${at}.${key}`);
    }
  } else if (Array.isArray(value)) {
    value.forEach((one, index) => refuseOther(one, `${at}[${index}]`));
  } else if (value instanceof Double) {
    throw new NotCanonicalError(`${at}: float has no canonical form here`);
  }
}

/** @param {string} text */
function quotedAscii(text) {
  const escaped = (/** @type {string} */ sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`;
  return JSON.stringify(text).replace(/[\u007f-\uffff]/g, escaped);
}

// @ts-check
/** The page around the verifier: takes files and pasted text, shows one verdict, the findings and the content. */

import { BUNDLE_BYTES_MAX } from "./bundle.js";
import { contentOf, words } from "./content.js";
import { judge } from "./findings.js";
import { strictObject } from "./json.js";
import { sha256Hex, utf8 } from "./octets.js";
import { CannotCheckError } from "./signatures.js";
import { readTrust, verify } from "./verify.js";
/** @import { Content, Piece } from "./content.js" */
/** @import { EvidenceFile } from "./evidence.js" */
/** @import { Finding, Report } from "./findings.js" */
/** @import { Octets } from "./octets.js" */

/** @typedef {{ name: string, octets: Octets }} GivenFile */
/** What the person gave so far.
 * @typedef {{ bundle: GivenFile | null, policy: Octets, keys: Octets | null, isOwnTrust: boolean,
 *   photos: Map<string, GivenFile & EvidenceFile> }} Given */

const FILE_BYTES_MAX = 64 * 1024 * 1024;
const MARKS = { yes: "yes", no: "no", "not shown": "not shown" };
const FAILED_HINT =
  "Do not rely on this copy. Ask whoever gave it to you for the file as it was served, and check that one.";
const CANNOT_HINT =
  "Nothing is said for or against the Record. The command python -m truth_sealing verify checks it without a browser.";

/** @param {string} id */
function byId(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`this page has no ${id}`);
  return found;
}

/** @template {keyof HTMLElementTagNameMap} Tag @param {Tag} tag @param {string} text @param {string} className */
function made(tag, text = "", className = "") {
  const element = document.createElement(tag);
  element.textContent = text;
  if (className) element.className = className;
  return element;
}

class Page {
  /** @type {Given} */
  given = this.nothing();
  checking = Promise.resolve();

  /** What the page itself brings: its policy and keys. @returns {Given} */
  nothing() {
    const { policy = "", keys = "" } = byId("checker").dataset;
    const [pinned, ring] = [policy, keys].map((text) => Uint8Array.from(atob(text), (one) => one.charCodeAt(0)));
    return { bundle: null, policy: pinned, keys: keys ? ring : null, isOwnTrust: false, photos: new Map() };
  }

  start() {
    const files = /** @type {HTMLInputElement} */ (byId("files"));
    const pasted = /** @type {HTMLTextAreaElement} */ (byId("pasted"));
    files.addEventListener("change", () => this.soon(() => this.take([...(files.files ?? [])])));
    byId("check").addEventListener("click", () => this.soon(() => this.paste(pasted.value)));
    byId("clear").addEventListener("click", () => {
      files.value = pasted.value = "";
      this.given = this.nothing();
      this.soon(() => this.show());
      files.focus();
    });
    document.addEventListener("dragover", (event) => event.preventDefault());
    document.addEventListener("drop", (event) => {
      event.preventDefault();
      this.soon(() => this.take([...(event.dataTransfer?.files ?? [])]));
    });
    this.soon(() => this.show());
  }

  /** One thing after another, so that the verdict is always about all that was given.
   * @param {() => Promise<void>} act */
  soon(act) {
    this.checking = this.checking.then(act).catch((error) => this.tell("cannot", "Cannot check now", String(error)));
  }

  /** @param {string} text */
  async paste(text) {
    if (text.trim()) this.given.bundle = { name: "pasted text", octets: utf8(text.trim()) };
    await this.show();
  }

  /** @param {File[]} files */
  async take(files) {
    for (const file of files) {
      if (file.size > FILE_BYTES_MAX) {
        this.tell("cannot", "Cannot check now", `${file.name} is larger than ${FILE_BYTES_MAX} bytes.`);
        return;
      }
      await this.sort({ name: file.name, octets: new Uint8Array(await file.arrayBuffer()) });
    }
    await this.show();
  }

  /** Bundle, policy and keys by what they are; anything else is evidence. @param {GivenFile} file */
  async sort(file) {
    const kind = kindOf(file);
    if (kind === "bundle") this.given.bundle = file;
    else if (kind === "evidence") {
      const sha256 = await sha256Hex(file.octets);
      this.given.photos.set(file.name, { ...file, sha256, size: file.octets.length });
    } else {
      // Keys of one's own never stand beside the page's policy, nor the other way round.
      if (!this.given.isOwnTrust) Object.assign(this.given, { policy: utf8("quorum none\n"), keys: null });
      Object.assign(this.given, { [kind]: file.octets, isOwnTrust: true });
    }
  }

  async show() {
    const { bundle, photos, isOwnTrust, policy } = this.given;
    const names = [...(bundle ? [bundle.name] : []), ...photos.keys()];
    byId("named").replaceChildren(...names.map((name) => made("li", name)));
    const whose = isOwnTrust ? "The policy and keys that you gave" : "The policy and keys that came with this page";
    const fingerprint = made("span", grouped(await sha256Hex(policy)), "hash");
    byId("trust").replaceChildren(`${whose}. SHA-256 of the policy: `, fingerprint);
    if (bundle) await this.check(bundle.octets);
    else this.forget();
  }

  /** @param {Octets} octets */
  async check(octets) {
    this.tell("none", "Checking…", "");
    try {
      const { policy, keys, photos } = this.given;
      const files = photos.size > 0 ? photos : null;
      const report = await verify(octets, await readTrust(policy, keys), files);
      await this.showReport(report, octets);
    } catch (error) {
      this.hide();
      const why = error instanceof CannotCheckError ? error.message : `the policy or keys cannot be used: ${error}`;
      this.tell("cannot", "Cannot check now", `${why}. ${CANNOT_HINT}`);
    }
  }

  /** @param {Report} report @param {Octets} octets */
  async showReport(report, octets) {
    const { verdict, because } = judge(report);
    byId("checks").replaceChildren(...report.findings.map(findingItem));
    byId("findings").hidden = false;
    const names = because.map((one) => words(one.name)).join(", ");
    const reasons = because.map((one) => one.reason).join("; ");
    byId("content").hidden = verdict !== "verified";
    if (verdict === "verified") await this.showContent(await contentOf(octets), report);
    else if (verdict === "failed") this.tell("failed", `Failed: ${names}`, `${reasons}. ${FAILED_HINT}`);
    else this.tell("cannot", "Cannot check now", `Not shown: ${names} (${reasons}). ${CANNOT_HINT}`);
  }

  /** @param {Content} content @param {Report} report */
  async showContent(content, report) {
    const place = `entry ${report.subject.get("index")} of ${report.subject.get("size")}`;
    const rows = [...content.members, ["Log", `${place} in ${report.subject.get("origin")}`]];
    byId("members").replaceChildren(
      ...rows.flatMap(([title, value]) => [made("dt", title), made("dd", value)]),
      made("dt", "SHA-256"),
      digestCell(content.digest),
    );
    const steps = content.steps.map(({ step, at, by }) => {
      const item = made("li");
      item.append(made("time", at.slice(11, 19)), made("span", `${step} · ${by}`));
      return item;
    });
    byId("steps").replaceChildren(...steps);
    byId("photos").replaceChildren(...content.pieces.map((piece) => this.pieceFigure(piece)));
    this.tell("verified", "Verified", "On this device. What the bundle withholds is marked “not shown” below.");
  }

  /** @param {Piece} piece */
  pieceFigure({ path, sha256 }) {
    const figure = made("figure");
    const photo = [...this.given.photos.values()].find((one) => one.sha256 === sha256);
    if (photo) {
      const image = made("img");
      image.src = URL.createObjectURL(new Blob([photo.octets]));
      image.alt = `${path}: the bytes are those that the Record commits to`;
      image.addEventListener("load", () => URL.revokeObjectURL(image.src));
      figure.append(image);
    }
    figure.append(made("figcaption", photo ? `${path} · matches` : `${path} · not given`));
    return figure;
  }

  /** @param {string} verdict @param {string} title @param {string} detail */
  tell(verdict, title, detail) {
    const inner = made("div");
    inner.append(made("strong", title), made("span", detail, "soft"));
    byId("verdict").dataset.verdict = verdict;
    byId("verdict").replaceChildren(inner);
  }

  forget() {
    this.hide();
    const waits = this.given.photos.size > 0 ? "Now add the bundle that they belong to." : "Choose a bundle, drop it or paste it.";
    this.tell("none", "Nothing checked yet", waits);
  }

  hide() {
    byId("findings").hidden = byId("content").hidden = true;
  }
}

/** By its content, not by its name alone: a bundle whose first byte was changed is still one.
 * @param {GivenFile} file @returns {"bundle" | "policy" | "keys" | "evidence"} */
function kindOf({ name, octets }) {
  const start = String.fromCharCode(...octets.subarray(0, 4096));
  if (name === "policy" || /^(?:\s*|.*\n)(?:log|witness|quorum) \S/.test(start)) return "policy";
  if (!name.endsWith(".json") && !/^\s*\{/.test(start)) return "evidence";
  return isKeysFile(octets) ? "keys" : "bundle";
}

/** @param {Octets} octets */
function isKeysFile(octets) {
  try {
    return octets.length <= BUNDLE_BYTES_MAX && strictObject(octets).has("keys");
  } catch {
    return false; // what cannot be read is for the verifier to tell
  }
}

/** @param {Finding} found */
function findingItem({ name, answer, reason }) {
  const item = made("li", "", answer.replace(" ", "-"));
  const told = made("span");
  told.append(made("b", words(name)), `: ${MARKS[answer]}. `, made("span", reason, "soft"));
  item.append(told);
  return item;
}

/** @param {string} digest */
function digestCell(digest) {
  const cell = made("dd");
  const copy = made("button", "Copy");
  copy.type = "button";
  copy.addEventListener("click", async () => {
    await navigator.clipboard.writeText(digest);
    copied.textContent = "Copied.";
  });
  const copied = made("span", "", "soft");
  copied.setAttribute("role", "status");
  cell.append(made("span", grouped(digest), "hash"), " ", copy, " ", copied);
  return cell;
}

/** @param {string} digest */
function grouped(digest) {
  return (digest.match(/.{1,4}/g) ?? []).join(" ");
}

new Page().start();

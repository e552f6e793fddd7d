// @ts-check
/** The page around the verifier: takes files and pasted text, shows the verdict, the findings and the content. */

import { BUNDLE_BYTES_MAX } from "./bundle.js";
import { contentOf } from "./content.js";
import { strictObject } from "./json.js";
import { sha256Hex, utf8 } from "./octets.js";
import { CannotCheckError } from "./signatures.js";
import { byId, carried, grouped, made, tell, tellCannot, tellReport } from "./telling.js";
import { readTrust, verify } from "./verify.js";
/** @import { Content, Piece } from "./content.js" */
/** @import { EvidenceFile } from "./evidence.js" */
/** @import { Report } from "./findings.js" */
/** @import { Octets } from "./octets.js" */

/** @typedef {{ name: string, octets: Octets }} GivenFile */
/** What the person gave so far.
 * @typedef {{ bundle: GivenFile | null, policy: Octets, keys: Octets | null, isOwnTrust: boolean,
 *   photos: Map<string, GivenFile & EvidenceFile> }} Given */

const FILE_BYTES_MAX = 64 * 1024 * 1024;
const ON_THIS_DEVICE = "On this device. What the bundle withholds is marked “not shown” below.";

class Page {
  /** @type {Given} */
  given = ofThePage();
  checking = Promise.resolve();

  start() {
    const files = /** @type {HTMLInputElement} */ (byId("files"));
    const pasted = /** @type {HTMLTextAreaElement} */ (byId("pasted"));
    files.addEventListener("change", () => this.soon(() => this.take([...(files.files ?? [])])));
    byId("check").addEventListener("click", () => this.soon(() => this.paste(pasted.value)));
    byId("clear").addEventListener("click", () => {
      files.value = pasted.value = "";
      this.given = ofThePage();
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
    this.checking = this.checking.then(act).catch((error) => this.giveUp(String(error)));
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
        this.giveUp(`${file.name} is larger than ${FILE_BYTES_MAX} bytes`);
        return;
      }
      await this.sort({ name: file.name, octets: new Uint8Array(await file.arrayBuffer()) });
    }
    await this.show();
  }

  /** Bundle, policy and keys by what they are; anything else is evidence. @param {GivenFile} file */
  async sort(file) {
    const kind = kindOf(file);
    if (kind === "bundle") {
      this.given.bundle = file;
    } else if (kind === "evidence") {
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
    else this.wait();
  }

  /** @param {Octets} octets */
  async check(octets) {
    tell("none", "Checking…", "");
    const { policy, keys, photos } = this.given;
    byId("content").hidden = true;
    try {
      const report = await verify(octets, await readTrust(policy, keys), photos.size > 0 ? photos : null);
      const verdict = tellReport(report, ON_THIS_DEVICE);
      if (verdict === "verified") this.showContent(await contentOf(octets), report);
    } catch (error) {
      const isPlatform = error instanceof CannotCheckError;
      this.giveUp(isPlatform ? error.message : `the policy or keys cannot be used: ${error}`);
    }
  }

  /** @param {Content} content @param {Report} report */
  showContent(content, { subject }) {
    const place = `entry ${subject.get("index")} of ${subject.get("size")} in ${subject.get("origin")}`;
    const rows = [...content.members, ["Log", place]];
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
    byId("content").hidden = false;
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

  wait() {
    byId("findings").hidden = byId("content").hidden = true;
    const isLacking = this.given.photos.size > 0;
    const next = isLacking ? "Now add the bundle that these belong to." : "Choose a bundle, drop it or paste it.";
    tell("none", "Nothing checked yet", next);
  }

  /** @param {string} why */
  giveUp(why) {
    byId("content").hidden = true;
    tellCannot(why);
  }
}

/** What the page itself brings: its policy and keys. @returns {Given} */
function ofThePage() {
  const { policy = "", keys = "" } = byId("checker").dataset;
  const ring = keys ? carried(keys) : null;
  return { bundle: null, policy: carried(policy), keys: ring, isOwnTrust: false, photos: new Map() };
}

/** By its content, not by its name alone: a bundle whose first byte was changed is still one.
 * @param {GivenFile} file @returns {"bundle" | "policy" | "keys" | "evidence"} */
function kindOf({ name, octets }) {
  const start = String.fromCharCode(...octets.subarray(0, 4096));
  if (name === "policy" || /^(?:log|witness|quorum) \S/m.test(start)) return "policy";
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

/** @param {string} digest */
function digestCell(digest) {
  const cell = made("dd");
  const copied = made("span", "", "soft");
  copied.setAttribute("role", "status");
  const copy = made("button", "Copy the digest", "small");
  copy.type = "button";
  copy.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(digest);
      copied.textContent = "Copied.";
    } catch {
      copied.textContent = "The browser does not let this page copy. Select the text instead.";
    }
  });
  cell.append(made("span", grouped(digest), "hash"), " ", copy, " ", copied);
  return cell;
}

new Page().start();

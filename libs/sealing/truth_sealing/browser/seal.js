// @ts-check
/** The seal on a Record's own page: fetches its bundle and its photos, and checks them here as a stranger would. */

import { sha256Hex } from "./octets.js";
import { byId, carried, tellCannot, tellReport } from "./telling.js";
import { readTrust, verify } from "./verify.js";
/** @import { EvidenceFile } from "./evidence.js" */
/** @import { Octets } from "./octets.js" */

/** @param {string} url @returns {Promise<Octets>} */
async function fetched(url) {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`${url} answered ${answer.status}`);
  return new Uint8Array(await answer.arrayBuffer());
}

/** @param {string} url @returns {Promise<[string, EvidenceFile]>} */
async function photo(url) {
  const octets = await fetched(url);
  return [url, { sha256: await sha256Hex(octets), size: octets.length }];
}

async function seal() {
  const { bundle = "", photos = "", policy = "", keys = "" } = byId("seal").dataset;
  const trust = await readTrust(carried(policy), carried(keys));
  const files = new Map(await Promise.all(photos.split(" ").filter(Boolean).map(photo)));
  tellReport(await verify(await fetched(bundle), trust, files), "On this device, with every photo that is here.");
}

seal().catch((error) => tellCannot(String(error)));

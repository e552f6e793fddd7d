// @ts-check
/** A Record by reference: checks here that the log holds an entry with its digest; its content stays withheld. */

import { utf8 } from "./octets.js";
import { checkLog } from "./logged.js";
import { checkPlatform } from "./signatures.js";
import { byId, carried, tell, tellCannot, tellReport } from "./telling.js";
import { readTrust } from "./verify.js";

async function reference() {
  await checkPlatform();
  const { entry = "", proof = "", policy = "", keys = "" } = byId("reference").dataset;
  const log = await checkLog(utf8(entry), proof, await readTrust(carried(policy), carried(keys)));
  const findings = [log.logged, log.witnessed];
  const verdict = tellReport({ findings, subject: new Map() }, "");
  if (verdict === "verified" && log.position) {
    const { index, size, origin } = log.position;
    const where = `position ${index} of ${size} in ${origin}`;
    tell(verdict, "Verified: sealed in the log", `A Record with this digest is at ${where}. Its content is withheld.`);
  }
}

reference().catch((error) => tellCannot(String(error)));

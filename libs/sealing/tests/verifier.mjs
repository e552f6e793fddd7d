// The browser's verifier, in Node: reads a case a line (JSON) and writes what it says of it, a line each.
// Its argument is the folder of the modules, or a file that holds all of them.
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const place = process.argv[2];
const modules = place.endsWith(".mjs") ? [place, place] : [`${place}/verify.js`, `${place}/findings.js`];
const [{ readTrust, verify }, { judge }] = await Promise.all(
  modules.map((file) => import(pathToFileURL(file).href)),
);

const octets = (text) => (text === null ? null : new Uint8Array(Buffer.from(text, "base64")));

async function answer({ bundle, policy, keys, evidence }) {
  const trust = await readTrust(octets(policy), octets(keys)).catch((error) => error);
  if (trust instanceof Error) return { refused: trust.message };
  const report = await verify(octets(bundle), trust, evidence && new Map(Object.entries(evidence)));
  const { verdict, because } = judge(report);
  const subject = Object.fromEntries(report.subject);
  return { findings: report.findings, subject, verdict, because: because.map((one) => one.name) };
}

for await (const line of createInterface({ input: process.stdin })) {
  const told = await answer(JSON.parse(line)).catch((error) => ({ crashed: error.stack }));
  console.log(JSON.stringify(told));
}

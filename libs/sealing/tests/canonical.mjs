// RFC 8785 as its section 3.2 tells it, in the language that it is defined by. Reads a JSON document a line,
// writes the SHA-256 of each one's canonical bytes a line.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";

/** @param {unknown} value @returns {string} */
function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)); // by UTF-16 units
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${canonical(member)}`).join(",")}}`;
}

for (const line of readFileSync(0, "utf8").split("\n")) {
  console.log(createHash("sha256").update(canonical(JSON.parse(line))).digest("hex"));
}

// Types of a request, made from its JSON Schema on standard input.
import { compile } from "json-schema-to-typescript";
import { readFileSync } from "node:fs";

const schema = JSON.parse(readFileSync(0, "utf8"));
for (const part of [schema, ...Object.values(schema.$defs ?? {})]) {
  for (const member of Object.values(part.properties)) delete member.title; // else each becomes a named type
}
delete schema.$id;
const options = { bannerComment: "// Made from requests.submitted.v1.json." };
process.stdout.write(await compile(schema, "RequestSubmitted", options));

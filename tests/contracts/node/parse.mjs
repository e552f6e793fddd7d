// Reads an AsyncAPI document on standard input with the official parser; prints every finding as JSON.
import { Parser } from "@asyncapi/parser";
import { readFileSync } from "node:fs";

const { diagnostics, document } = await new Parser().parse(readFileSync(0, "utf8"));
const told = diagnostics.map(({ code, message, path, severity }) => ({ code, message, path, severity }));
process.stdout.write(JSON.stringify({ diagnostics: told, channels: document?.channels().length ?? null }));

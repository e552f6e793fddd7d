/** What `json.js` reads, for the type checker only: JSDoc cannot name a type within itself. */

import type { Double } from "./json.js";

export type Json = null | boolean | number | string | Double | Json[] | Members;
export type Members = Map<string, Json>;

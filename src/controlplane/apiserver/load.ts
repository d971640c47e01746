/**
 * Libraries that most servers never need, loaded where they are first used: each keeps some MB of
 * memory. Only what must stay synchronous needs this; elsewhere `await import()` does.
 */
// eslint-disable-next-line no-restricted-imports -- libraries of JavaScript alone
import { createRequire } from "node:module";
import type * as Cel from "@marcbachmann/cel-js";
import type * as Re2 from "re2js";
import type * as Yaml from "yaml";

interface Libraries {
  readonly yaml: typeof Yaml;
  readonly re2js: typeof Re2;
  readonly "@marcbachmann/cel-js": typeof Cel;
}

const require = createRequire(import.meta.url);

/** The library; the runtime keeps it once it is loaded. */
export function load<Name extends keyof Libraries>(name: Name): Libraries[Name] {
  return require(name) as Libraries[Name];
}

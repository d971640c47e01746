import type { Causes } from "../../validation/causes.ts";
import type { Schema } from "../schema/compile.ts";

export class CompiledRules {
  constructor(_schema: Schema) {}
  validate(_object: unknown, _old: unknown, _out: Causes): void {}
}

import type { Causes } from "../../validation/causes.ts";
import type { Schema } from "../schema/compile.ts";

export function validateRules(_schema: Schema, _path: string, _out: Causes): void {}

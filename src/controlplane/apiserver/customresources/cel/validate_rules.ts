/** Whether a schema's rules can be evaluated (apiextensions/validation: ValidateCustomResourceDefinitionOpenAPISchema). */
import type { Causes } from "../../validation/causes.ts";
import type { Schema } from "../schema/compile.ts";
import type { ValidationRule } from "../schema/json_schema.ts";
import { simplePath } from "../simple_path.ts";
import { engine, type Expression } from "./engine.ts";

const reasons = ["FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired"];
const maxMessage = 2048;

export function validateRules(schema: Schema, path: string, out: Causes): void {
  validateNode(schema, path, true, out);
}

/** @param isCorrelated whether a value's former self can be found: not that of an item of a list that is taken whole */
function validateNode(schema: Schema, path: string, isCorrelated: boolean, out: Causes): void {
  schema.rules.forEach((rule, i) => validateRule(rule, `${path}.x-kubernetes-validations[${i}]`, isCorrelated, out));
  for (const [name, property] of schema.properties) {
    validateNode(property, `${path}.properties[${name}]`, isCorrelated && !schema.isAtomicMap, out);
  }
  if (schema.items) validateNode(schema.items, `${path}.items`, isCorrelated && schema.listType === "map", out);
  if (typeof schema.additional === "object") {
    validateNode(schema.additional, `${path}.additionalProperties`, isCorrelated && !schema.isAtomicMap, out);
  }
}

function validateRule(rule: ValidationRule, path: string, isCorrelated: boolean, out: Causes): void {
  const text = rule.rule?.trim() ?? "";
  if (text === "") return out.required(`${path}.rule`, "rule is not specified");
  validateMessage(rule, path, out);
  if (rule.reason !== undefined && !reasons.includes(rule.reason)) {
    out.notSupported(`${path}.reason`, rule.reason, reasons);
  }
  if (rule.fieldPath !== undefined && !simplePath(rule.fieldPath)) {
    out.invalid(`${path}.fieldPath`, rule.fieldPath, "fieldPath must be a valid path");
  }
  const expression = compiled(text, `${path}.rule`, "bool", out);
  if (expression?.usesOldSelf && !isCorrelated) {
    const schemaPath = path.replace(/\.x-kubernetes-validations\[\d+\]$/, "");
    out.invalid(
      `${path}.rule`,
      text,
      `oldSelf cannot be used on the uncorrelatable portion of the schema within ${schemaPath}`,
    );
  }
  if (rule.optionalOldSelf === true && expression && !expression.usesOldSelf) {
    out.invalid(`${path}.optionalOldSelf`, true, "may not be set if oldSelf is not used in rule");
  }
  if (rule.messageExpression) compiled(rule.messageExpression, `${path}.messageExpression`, "string", out);
}

function validateMessage({ rule, message }: ValidationRule, path: string, out: Causes): void {
  const at = `${path}.message`;
  if (message === undefined) {
    if (rule?.trim().includes("\n")) out.required(at, "message must be specified if rule contains line breaks");
  } else if (message.trim() === "") out.invalid(at, message, "message must be non-empty if specified");
  else if (message.includes("\n")) out.invalid(at, message, "message must not contain line breaks");
  else if (message.length > maxMessage) out.tooLong(at, maxMessage);
}

function compiled(text: string, path: string, type: "bool" | "string", out: Causes): Expression | undefined {
  try {
    const expression = engine().compile(text);
    if (expression.type === type || expression.type === "dyn") return expression;
    const word = type === "bool" ? "a bool" : "a string";
    out.invalid(path, text, `compilation failed: must evaluate to ${word}`);
  } catch (error) {
    out.invalid(path, text, `compilation failed: ${(error as Error).message}`);
  }
  return undefined;
}

/** Label and field selectors (apimachinery/pkg/labels, fields). */
import { ApiError } from "../status.ts";

interface Requirement {
  readonly key: string;
  readonly operator: "in" | "notin" | "exists" | "absent" | "gt" | "lt";
  readonly values: ReadonlySet<string>;
}

/** Whether labels, or fields, are selected. */
export type Matcher = (values: Readonly<Record<string, string>>) => boolean;

const keyPattern = /^([a-z0-9]([-a-z0-9.]*[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
const valuePattern = /^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/;

/**
 * Reads a label selector: `a=b,c!=d,e in (f,g),h notin (i),j,!k,l>1`.
 *
 * @returns undefined for an empty one, which selects everything
 * @throws ApiError 400 that names the selector
 */
export function labelSelector(text: string | null): Matcher | undefined {
  if (text === null || text.trim() === "") return undefined;
  const requirements = splitOutsideParentheses(text).map((part) => labelRequirement(part, text));
  return (labels) => requirements.every((requirement) => matches(requirement, labels));
}

function labelRequirement(part: string, whole: string): Requirement {
  const text = part.trim();
  const set = /^(\S+)\s+(in|notin)\s*\(([^()]*)\)$/.exec(text);
  if (set)
    return checked(
      set[1]!,
      set[2] as "in" | "notin",
      set[3]!.split(",").map((v) => v.trim()),
      whole,
    );
  const absent = /^!\s*(\S+)$/.exec(text);
  if (absent) return checked(absent[1]!, "absent", [], whole);
  const pair = /^([^\s=!<>]+)\s*(==|=|!=|>|<)\s*([^\s=!<>]*)$/.exec(text);
  if (!pair) return checked(text, "exists", [], whole);
  const operators = { "=": "in", "==": "in", "!=": "notin", ">": "gt", "<": "lt" } as const;
  return checked(pair[1]!, operators[pair[2] as keyof typeof operators], [pair[3]!], whole);
}

function checked(
  key: string,
  operator: Requirement["operator"],
  values: readonly string[],
  whole: string,
): Requirement {
  const wrongNumber = (operator === "gt" || operator === "lt") && !/^-?\d+$/.test(values[0]!);
  if (!keyPattern.test(key) || values.some((value) => !valuePattern.test(value)) || wrongNumber) {
    throw new ApiError("BadRequest", `unable to parse requirement: "${key}" in label selector "${whole}" is not valid`);
  }
  return { key, operator, values: new Set(values) };
}

function matches({ key, operator, values }: Requirement, labels: Readonly<Record<string, string>>): boolean {
  const value = Object.hasOwn(labels, key) ? labels[key] : undefined;
  switch (operator) {
    case "in":
      return value !== undefined && values.has(value);
    case "notin":
      return value === undefined || !values.has(value);
    case "exists":
      return value !== undefined;
    case "absent":
      return value === undefined;
    case "gt":
    case "lt": {
      const [bound] = values;
      if (value === undefined || !/^-?\d+$/.test(value)) return false;
      return operator === "gt" ? BigInt(value) > BigInt(bound!) : BigInt(value) < BigInt(bound!);
    }
  }
}

/**
 * Reads a field selector: `a=b,c!=d`.
 *
 * @param resolve gives the field that a label names, or throws what refuses one that cannot be selected by
 * @throws ApiError 400
 */
export function fieldSelector(text: string | null, resolve: (label: string) => string): Matcher | undefined {
  if (text === null || text.trim() === "") return undefined;
  const requirements = text.split(/(?<!\\),/).map((part) => {
    const pair = /^\s*([^\s=!]+)\s*(==|=|!=)(.*)$/.exec(part);
    if (!pair) {
      throw new ApiError("BadRequest", `invalid selector: '${text}'; can't understand '${part}'`);
    }
    const [, label, operator, value] = pair;
    return { field: resolve(label!), equal: operator !== "!=", value: value!.replace(/\\(.)/g, "$1") };
  });
  return (fields) => requirements.every(({ field, equal, value }) => ((fields[field] ?? "") === value) === equal);
}

function splitOutsideParentheses(text: string): string[] {
  return text.split(/,(?![^(]*\))/);
}

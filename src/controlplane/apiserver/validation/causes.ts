/**
 * Causes of a 422, collected on the way through an object: reasons and words of
 * apimachinery/pkg/util/validation/field. Paths are fields' own: `spec.containers[0].image`.
 */
import type { Cause } from "../status.ts";

export class Causes {
  readonly list: Cause[] = [];

  required(field: string, detail = ""): void {
    this.#add("FieldValueRequired", "Required value", field, detail);
  }

  invalid(field: string, value: unknown, detail: string): void {
    this.#add("FieldValueInvalid", `Invalid value: ${quoted(value)}`, field, detail);
  }

  /** Where the value would say nothing (field.OmitValueType). */
  invalidPlain(field: string, detail: string): void {
    this.#add("FieldValueInvalid", "Invalid value", field, detail);
  }

  /** One cause for each message: what the checks of `names.ts` return. */
  invalidEach(field: string, value: unknown, messages: readonly string[]): void {
    for (const message of messages) this.invalid(field, value, message);
  }

  notSupported(field: string, value: unknown, supported: readonly string[]): void {
    const values = supported.map((one) => JSON.stringify(one)).join(", ");
    this.#add("FieldValueNotSupported", `Unsupported value: ${quoted(value)}`, field, `supported values: ${values}`);
  }

  forbidden(field: string, detail: string): void {
    this.#add("FieldValueForbidden", "Forbidden", field, detail);
  }

  duplicate(field: string, value: unknown, detail = ""): void {
    this.#add("FieldValueDuplicate", `Duplicate value: ${quoted(value)}`, field, detail);
  }

  notFound(field: string, value: unknown, detail = ""): void {
    this.#add("FieldValueNotFound", `Not found: ${quoted(value)}`, field, detail);
  }

  /** @param maxBytes what it may have at the most */
  tooLong(field: string, maxBytes: number): void {
    this.#add("FieldValueTooLong", "Too long", field, `may not be more than ${maxBytes} bytes`);
  }

  tooMany(field: string, count: number, max: number): void {
    this.#add("FieldValueTooMany", `Too many: ${count}`, field, `must have at most ${max} items`);
  }

  /** A value that must be one of a list. Empty is missing, unless it is listed. */
  enum(field: string, value: string | undefined, supported: readonly string[]): void {
    if (supported.includes(value ?? "")) return;
    if (!value) this.required(field);
    else this.notSupported(field, value, supported);
  }

  nonNegative(field: string, value: number | undefined): void {
    if (value !== undefined && value < 0) this.invalid(field, value, "must be greater than or equal to 0");
  }

  #add(reason: string, what: string, field: string, detail: string): void {
    this.list.push({ reason, message: detail === "" ? what : `${what}: ${detail}`, field });
  }
}

/** A value as a message shows it. */
function quoted(value: unknown): string {
  return JSON.stringify(value ?? null);
}

/** Runs checks and gives what they found. */
export function causesOf(check: (out: Causes) => void): Cause[] {
  const out = new Causes();
  check(out);
  return out.list;
}

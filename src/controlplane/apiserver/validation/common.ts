/** Small checks that many kinds share. */
import type { Causes } from "./causes.ts";
import { semanticEqual } from "../../../model/equality.ts";
import { portName, portNumber, type NameCheck } from "./names.ts";

export const fieldImmutable = "field is immutable";
export const protocols: readonly string[] = ["SCTP", "TCP", "UDP"];

/** Refuses the change of a field. */
export function validateImmutable(value: unknown, old: unknown, path: string, out: Causes): void {
  if (!semanticEqual(value, old)) out.invalid(path, value, fieldImmutable);
}

/** A text that must be there and be of a form. */
export function validateName(value: string | undefined, path: string, check: NameCheck, out: Causes): void {
  if (!value) out.required(path);
  else out.invalidEach(path, value, check(value));
}

/** A text that must be of a form if it is there. */
export function validateOptionalName(value: string | undefined, path: string, check: NameCheck, out: Causes): void {
  if (value) out.invalidEach(path, value, check(value));
}

export function validatePortNumberOrName(port: string | number | undefined, path: string, out: Causes): void {
  if (typeof port === "string") out.invalidEach(path, port, portName(port));
  else out.invalidEach(path, port ?? 0, portNumber(port ?? 0));
}

/** No `..` between slashes. */
export function validateNoBacksteps(value: string, path: string, out: Causes): boolean {
  if (!value.split("/").includes("..")) return true;
  out.invalid(path, value, "must not contain '..'");
  return false;
}

/** A relative path that stays below where it starts. */
export function validateDescendingPath(value: string, path: string, out: Causes): void {
  if (value.startsWith("/")) out.invalid(path, value, "must be a relative path");
  validateNoBacksteps(value, path, out);
}

/** As {@link validateDescendingPath}; names that begin with `..` are the volume's own. */
export function validateLocalPath(value: string, path: string, out: Causes): void {
  validateDescendingPath(value, path, out);
  if (value.startsWith("..") && value !== ".." && !value.startsWith("../")) {
    out.invalid(path, value, "must not start with '..'");
  }
}

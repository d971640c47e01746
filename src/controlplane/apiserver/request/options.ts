/** Query parameters of list, watch and writes (meta/v1 ListOptions, CreateOptions, …). */
import { ApiError } from "../status.ts";
import { isTrue } from "./info.ts";

export interface ListOptions {
  readonly labelSelector: string | null;
  readonly fieldSelector: string | null;
  /** Undefined where none is given: the newest. */
  readonly resourceVersion: number | undefined;
  readonly resourceVersionMatch: "Exact" | "NotOlderThan" | undefined;
  readonly limit: number | undefined;
  readonly continueToken: string | undefined;
  readonly timeoutSeconds: number | undefined;
  readonly allowWatchBookmarks: boolean;
  readonly sendInitialEvents: boolean | undefined;
}

/** @throws ApiError 400 or 422 that names the parameter */
export function listOptions(query: URLSearchParams): ListOptions {
  const match = query.get("resourceVersionMatch") || undefined;
  if (match !== undefined && match !== "Exact" && match !== "NotOlderThan") {
    throw new ApiError("BadRequest", `resourceVersionMatch: unsupported value "${match}"`);
  }
  const sendInitialEvents = query.get("sendInitialEvents");
  return {
    labelSelector: query.get("labelSelector"),
    fieldSelector: query.get("fieldSelector"),
    resourceVersion: wholeNumber(query, "resourceVersion"),
    resourceVersionMatch: match,
    limit: wholeNumber(query, "limit") || undefined,
    continueToken: query.get("continue") || undefined,
    timeoutSeconds: wholeNumber(query, "timeoutSeconds"),
    allowWatchBookmarks: isTrue(query.get("allowWatchBookmarks")),
    sendInitialEvents: sendInitialEvents === null ? undefined : isTrue(sendInitialEvents),
  };
}

export interface WriteOptions {
  readonly dryRun: boolean;
  readonly fieldManager: string | undefined;
  readonly fieldValidation: "Ignore" | "Warn" | "Strict";
  readonly force: boolean;
}

/** @throws ApiError 400 that names the parameter */
export function writeOptions(query: URLSearchParams): WriteOptions {
  const dryRun = query.getAll("dryRun");
  if (dryRun.some((value) => value !== "All")) {
    throw new ApiError("BadRequest", `dryRun: Unsupported value: "${dryRun.join(",")}": supported values: "All"`);
  }
  const validation = query.get("fieldValidation") || "Warn";
  if (validation !== "Ignore" && validation !== "Warn" && validation !== "Strict") {
    throw new ApiError(
      "BadRequest",
      `fieldValidation: Unsupported value: "${validation}": supported values: "Ignore", "Warn", "Strict"`,
    );
  }
  return {
    dryRun: dryRun.length > 0,
    fieldManager: query.get("fieldManager") || undefined,
    fieldValidation: validation,
    force: isTrue(query.get("force")),
  };
}

/** @returns undefined where it is absent or empty */
function wholeNumber(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null || text === "") return undefined;
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value)) {
    throw new ApiError("BadRequest", `${name}: Invalid value: "${text}": must be a whole number`);
  }
  return value;
}

/**
 * What a runtime gave a plugin → a request, or the error that the specification has for what is wrong. Pure.
 *
 * Codes: 4 an environment that is wrong, 6 what cannot be decoded (no JSON, a field of another type), 1 a version that
 * is not served or lacks the verb, 2 a field that is unknown, 7 a value that is not possible.
 */
import type { z } from "zod";
import { configSchema, networkConfig, type ConfigFields } from "./config.ts";
import { decodeEnvironment, quote, type Environment, type Parameters } from "./environment.ts";
import { CniError } from "./error.ts";
import {
  cniVersions,
  type Attachment,
  type CniVersion,
  type CniVerb,
  type NetworkConfig,
  type Result,
} from "./plugin.ts";
import { readResult } from "./result.ts";

export interface Request extends Parameters {
  readonly config: NetworkConfig;
  readonly prevResult: Result | undefined;
  /** GC alone. */
  readonly validAttachments: readonly Attachment[];
}

/** The version that brought each verb; the others are as old as the oldest that is served. */
const since: Partial<Record<CniVerb, CniVersion>> = { CHECK: "0.4.0", GC: "1.1.0", STATUS: "1.1.0" };

/** @throws CniError that says what is wrong first */
export function decodeRequest(environment: Environment, stdin: Uint8Array): Request {
  const parameters = decodeEnvironment(environment);
  const raw = decodeJson(stdin);
  const version = decodeVersion(raw, parameters.verb);
  const config = networkConfig(decodeFields(raw), version, raw);
  const prevResult = decodePrevResult(raw["prevResult"]);
  if (parameters.verb === "CHECK" && !prevResult) throw new CniError("invalidConfig", "CHECK needs prevResult");
  return { ...parameters, config, prevResult, validAttachments: decodeAttachments(parameters.verb, raw) };
}

/** The version that the configuration names, for an answer; the newest where it names none that could be one. */
export function answeredVersion(stdin: Uint8Array): string {
  try {
    const version = decodeJson(stdin)["cniVersion"];
    return typeof version === "string" && isVersion(version) ? version : newest;
  } catch {
    return newest;
  }
}

const newest = cniVersions.at(-1)!;

function isVersion(text: string): boolean {
  return /^\d{1,9}\.\d{1,9}\.\d{1,9}(-[0-9A-Za-z.-]{1,50})?$/.test(text);
}

function decodeJson(stdin: Uint8Array): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(stdin));
  } catch (cause) {
    throw new CniError("decodingFailure", "the network configuration is not JSON", {
      details: (cause as Error).message.slice(0, 200),
      cause,
    });
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new CniError("decodingFailure", "the network configuration is not a JSON object");
}

function decodeVersion(raw: Record<string, unknown>, verb: CniVerb): CniVersion {
  // libcni takes a configuration without a version for one of the first, which is not served.
  const named = raw["cniVersion"] ?? "0.1.0";
  if (typeof named !== "string" || !isVersion(named)) {
    throw new CniError("decodingFailure", `cniVersion: ${shown(named)} is not a version`);
  }
  const version = cniVersions.find((served) => served === named);
  if (!version) {
    const details = `config is ${quote(named)}, plugin supports ${JSON.stringify(cniVersions)}`;
    throw new CniError("incompatibleVersion", "incompatible CNI versions", { details });
  }
  const first = since[verb] ?? cniVersions[0];
  if (cniVersions.indexOf(version) < cniVersions.indexOf(first)) {
    throw new CniError("incompatibleVersion", `config version does not allow ${verb}`, {
      details: `config is "${version}", ${verb} came with "${first}"`,
    });
  }
  return version;
}

// ── The configuration's fields ────────────────────────────────────────────────────────────────────────────────

function decodeFields(raw: Record<string, unknown>): ConfigFields {
  const fields = Object.fromEntries(Object.entries(raw).filter(([key]) => !key.startsWith("cni.dev/")));
  const parsed = configSchema.safeParse(fields);
  if (parsed.success) return parsed.data;
  throw worst(parsed.error.issues.flatMap((issue) => fieldFaults(issue, raw)));
}

interface FieldFault {
  readonly code: "decodingFailure" | "unsupportedField" | "invalidConfig";
  readonly message: string;
}

function fieldFaults(issue: z.core.$ZodIssue, raw: unknown): FieldFault[] {
  const { path } = issue;
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => ({
      code: "unsupportedField",
      message: `${pathText([...path, key])}: ${shown(valueAt(raw, [...path, key]))}`,
    }));
  }
  const value = valueAt(raw, path);
  const missing = value === undefined || value === null;
  if (issue.code === "invalid_type" && missing) {
    return [{ code: "invalidConfig", message: `${pathText(path)}: is missing` }];
  }
  const code = issue.code === "invalid_type" ? "decodingFailure" : "invalidConfig";
  return [{ code, message: `${pathText(path)}: ${shown(value)}: ${issue.message}` }];
}

/** What cannot be decoded goes before what is unknown, and that before what is not possible. */
function worst(faults: readonly FieldFault[]): CniError {
  const words = {
    decodingFailure: "cannot decode the network configuration",
    unsupportedField: "unsupported field in the network configuration",
    invalidConfig: "invalid network configuration",
  };
  for (const code of ["decodingFailure", "unsupportedField"] as const) {
    const found = faults.filter((fault) => fault.code === code);
    if (found.length > 0) return new CniError(code, `${words[code]}: ${listed(found)}`);
  }
  return new CniError("invalidConfig", `${words.invalidConfig}: ${listed(faults)}`);
}

function listed(faults: readonly FieldFault[]): string {
  const shownFaults = faults.slice(0, 10).map(({ message }) => message);
  return [...shownFaults, ...(faults.length > 10 ? [`and ${faults.length - 10} more`] : [])].join("; ");
}

function pathText(path: readonly PropertyKey[]): string {
  const text = path
    .map((step, i) => (typeof step === "number" ? `[${step}]` : `${i === 0 ? "" : "."}${String(step)}`))
    .join("");
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  let found = value;
  for (const step of path) found = (found as Record<PropertyKey, unknown> | undefined)?.[step];
  return found;
}

/** A value of somebody else's as JSON, and not all of it. */
function shown(value: unknown): string {
  try {
    const text = JSON.stringify(value) ?? "nothing";
    return text.length > 100 ? `${text.slice(0, 100)}…` : text;
  } catch {
    // It is nested deeper than the stack.
    return "…";
  }
}

// ── What the runtime adds ─────────────────────────────────────────────────────────────────────────────────────

function decodePrevResult(value: unknown): Result | undefined {
  if (value === undefined || value === null) return undefined;
  try {
    return readResult(value);
  } catch (cause) {
    if (!(cause instanceof TypeError)) throw cause;
    throw new CniError("decodingFailure", `cannot decode ${cause.message}`, { cause });
  }
}

const attachmentsKey = "cni.dev/valid-attachments";

/** Without the list nothing would be valid, and everything would go: that is no way to say it. */
function decodeAttachments(verb: CniVerb, raw: Record<string, unknown>): Attachment[] {
  if (verb !== "GC") return [];
  const list = raw[attachmentsKey];
  if (list === undefined) throw new CniError("invalidConfig", `GC needs ${attachmentsKey}`);
  // An empty list, as Go prints it.
  if (list === null) return [];
  if (!Array.isArray(list)) throw new CniError("decodingFailure", `${attachmentsKey} is not a list`);
  return list.map((item: unknown, i) => {
    const { containerID, ifname } = (item ?? {}) as Record<string, unknown>;
    if (typeof containerID === "string" && typeof ifname === "string") {
      return { containerId: containerID, ifName: ifname };
    }
    throw new CniError("decodingFailure", `${attachmentsKey}[${i}] has no containerID and ifname`);
  });
}

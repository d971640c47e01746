/** Bodies of writes, decoded and checked against the kind that the path names. */
import type { RequestContext } from "../context.ts";
import { refuseDepth } from "../patch/errors.ts";
import { load } from "../load.ts";
import type { ApiObject } from "../resources/resource.ts";
import { ApiError } from "../status.ts";
import { isTooDeep } from "./yaml_depth.ts";

const protobufMediaType = "application/vnd.kubernetes.protobuf";

/** Decodes a JSON, YAML or protobuf body. @throws ApiError 400, 415 */
export async function decodedBody(context: RequestContext): Promise<unknown> {
  const bytes = await context.body();
  const type = mediaType(context.headers["content-type"]);
  switch (type) {
    case "":
    case "application/json":
      return parseJson(bytes);
    case "application/yaml":
      return parsedYaml(bytes);
    case protobufMediaType:
      return (await import("../protobuf/decode.ts")).decodeProtobuf(bytes).object;
    default:
      throw unsupported(type, ["application/json", "application/yaml", protobufMediaType]);
  }
}

/** @throws ApiError 400 in upstream's words */
export function parseJson(bytes: Buffer): unknown {
  try {
    return refuseDepth(JSON.parse(bytes.toString()) as unknown);
  } catch (cause) {
    if (cause instanceof ApiError) throw cause;
    throw new ApiError(
      "BadRequest",
      `the object provided is unrecognized (must be of type JSON): ${(cause as Error).message}`,
    );
  }
}

function parsedYaml(bytes: Buffer): unknown {
  try {
    const text = bytes.toString();
    if (isTooDeep(text)) throw new Error("exceeded max depth");
    // An alias can name much text with few bytes: no more of them than a person writes.
    return load("yaml").parse(text, { maxAliasCount: 100 }) as unknown;
  } catch (cause) {
    throw new ApiError(
      "BadRequest",
      `the object provided is unrecognized (must be of type YAML): ${(cause as Error).message}`,
    );
  }
}

export function unsupported(type: string, accepted: readonly string[]): ApiError {
  return new ApiError(
    "UnsupportedMediaType",
    `the body of the request was in an unknown format - accepted media types include: ${accepted.join(", ")} (got "${type}")`,
  );
}

/** "application/json; charset=utf-8" → "application/json" */
export function mediaType(header: string | string[] | undefined): string {
  const value = Array.isArray(header) ? header[0] : header;
  return (value ?? "").split(";")[0]!.trim().toLowerCase();
}

/** What an object of a path must say of itself. */
export interface Expected {
  readonly kind: string;
  /** "apps/v1" */
  readonly apiVersion: string;
  /** Empty for creates, whose path has none. */
  readonly name: string;
  /** Empty for what has no namespace. */
  readonly namespace: string;
}

/**
 * Takes a decoded body as an object of the expected kind; fills in what the path says already.
 *
 * @throws ApiError 400 where they disagree
 */
export function objectOf(body: unknown, expected: Expected): ApiObject {
  if (typeof body !== "object" || body === null || Array.isArray(body)) {
    throw new ApiError("BadRequest", "the object provided is unrecognized: it is not an object");
  }
  const object = body as Partial<ApiObject> & Record<string, unknown>;
  const metadata = (object.metadata ??= {});
  if (typeof metadata !== "object" || metadata === null || Array.isArray(metadata)) {
    throw new ApiError("BadRequest", "metadata: Invalid value: must be an object");
  }
  if (
    (object.apiVersion ?? expected.apiVersion) !== expected.apiVersion ||
    (object.kind ?? expected.kind) !== expected.kind
  ) {
    throw new ApiError(
      "BadRequest",
      `${expected.kind} in version "${expected.apiVersion}" cannot be handled as a ${shown(object.kind)} of ${shown(object.apiVersion)}`,
    );
  }
  agree("name", metadata.name, expected.name);
  if (expected.namespace !== "") agree("namespace", metadata.namespace, expected.namespace);
  object.apiVersion = expected.apiVersion;
  object.kind = expected.kind;
  if (expected.name !== "") metadata.name = expected.name;
  return object as ApiObject;
}

/** Anything may stand there: String() of an object calls what the object says. */
export function shown(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

function agree(field: "name" | "namespace", inObject: unknown, inPath: string): void {
  if (inObject === undefined || inObject === "" || inPath === "" || inObject === inPath) return;
  throw new ApiError(
    "BadRequest",
    `the ${field} of the object (${JSON.stringify(inObject)}) does not match the ${field} on the ${field === "name" ? "URL" : "request"} ("${inPath}")`,
  );
}

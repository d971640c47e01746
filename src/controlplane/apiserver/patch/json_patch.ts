/**
 * JSON patch (RFC 6902). Published libraries skip path segments such as `constructor`, which may be a key of an
 * object's data; here every property is an own one, whatever its name.
 */
import { isDeepStrictEqual } from "node:util";
import { ApiError } from "../status.ts";
import { define } from "./apply/merge.ts";
import { unprocessable } from "./errors.ts";
import { isMap } from "./types/merge_type.ts";

/** As upstream (apiserver's maxJSONPatchOperations). */
export const maxOperations = 10_000;
/** Most characters that copies may add, together: copies of copies grow fast. */
const maxCopied = 3 * 1024 * 1024;

interface Operation {
  readonly op: string;
  readonly path: readonly string[];
  readonly from: readonly string[] | undefined;
  readonly value: unknown;
}

/** What the patch makes of a document, which is changed in place as far as the operations went. */
export function jsonPatch(document: unknown, patch: unknown): unknown {
  const operations = operationsOf(patch);
  const target = new Document(document);
  for (const operation of operations) target.apply(operation);
  return target.root;
}

/** Fields of operations that JSON patch does not have: `[0].foo`. */
export function unknownFields(patch: unknown): string[] {
  if (!Array.isArray(patch)) return [];
  const known = new Set(["op", "path", "from", "value"]);
  return patch.flatMap((operation: unknown, i) =>
    isMap(operation) ? Object.keys(operation).flatMap((name) => (known.has(name) ? [] : [`[${i}].${name}`])) : [],
  );
}

/** @throws ApiError 400, 413, 422 */
function operationsOf(patch: unknown): Operation[] {
  if (!Array.isArray(patch)) {
    throw new ApiError("BadRequest", "json: cannot unmarshal object into Go value of type jsonpatch.Patch");
  }
  if (patch.length > maxOperations) {
    const message = `The allowed maximum operations in a JSON patch is ${maxOperations}, got ${patch.length}`;
    throw new ApiError("RequestEntityTooLarge", message);
  }
  return patch.map(operationOf);
}

function operationOf(operation: unknown): Operation {
  if (!isMap(operation)) {
    throw new ApiError("BadRequest", "json: cannot unmarshal an operation that is not an object");
  }
  const { op, path, from, value } = operation;
  if (typeof op !== "string" || typeof path !== "string") throw unprocessable();
  return { op, path: pointer(path), from: typeof from === "string" ? pointer(from) : undefined, value };
}

/** The segments of a JSON pointer (RFC 6901). */
function pointer(text: string): string[] {
  if (text === "") return [];
  if (!text.startsWith("/")) throw unprocessable();
  return text
    .slice(1)
    .split("/")
    .map((segment) => segment.replaceAll("~1", "/").replaceAll("~0", "~"));
}

class Document {
  root: unknown;
  #copied = 0;

  constructor(root: unknown) {
    this.root = root;
  }

  apply({ op, path, from, value }: Operation): void {
    switch (op) {
      case "add":
        return this.#add(path, given(value));
      case "remove":
        this.#remove(path);
        return;
      case "replace":
        return this.#replace(path, given(value));
      case "move":
        return this.#move(source(from), path);
      case "copy":
        return this.#add(path, this.#copy(source(from)));
      case "test":
        return this.#test(path, value);
      default:
        throw unprocessable();
    }
  }

  #add(path: readonly string[], value: unknown): void {
    const last = path.at(-1);
    if (last === undefined) {
      this.root = value;
      return;
    }
    const parent = this.#parent(path);
    if (Array.isArray(parent)) parent.splice(last === "-" ? parent.length : index(last, parent.length), 0, value);
    else define(parent, last, value);
  }

  #remove(path: readonly string[]): unknown {
    const last = path.at(-1);
    if (last === undefined) throw unprocessable();
    const parent = this.#parent(path);
    const value = child(parent, last);
    if (Array.isArray(parent)) parent.splice(Number(last), 1);
    else delete parent[last];
    return value;
  }

  #replace(path: readonly string[], value: unknown): void {
    const last = path.at(-1);
    if (last === undefined) {
      this.root = value;
      return;
    }
    const parent = this.#parent(path);
    child(parent, last);
    if (Array.isArray(parent)) parent[Number(last)] = value;
    else define(parent, last, value);
  }

  #move(from: readonly string[], path: readonly string[]): void {
    const isInside = path.length > from.length && from.every((segment, i) => segment === path[i]);
    if (isInside) throw unprocessable();
    this.#add(path, this.#remove(from));
  }

  #copy(from: readonly string[]): unknown {
    const value = this.#get(from);
    const text = JSON.stringify(value);
    this.#copied += text.length;
    if (this.#copied > maxCopied) throw unprocessable();
    return JSON.parse(text) as unknown;
  }

  /** Upstream takes what is not there for null. */
  #test(path: readonly string[], value: unknown): void {
    const last = path.at(-1);
    const parent = last === undefined ? undefined : this.#parent(path);
    const isMissing = last !== undefined && isMap(parent) && !Object.hasOwn(parent, last);
    const found = isMissing ? null : this.#get(path);
    if (!isDeepStrictEqual(found, value ?? null)) throw unprocessable();
  }

  #get(path: readonly string[]): unknown {
    return path.reduce<unknown>((value, segment) => child(container(value), segment), this.root);
  }

  #parent(path: readonly string[]): Container {
    return container(this.#get(path.slice(0, -1)));
  }
}

type Container = unknown[] | Record<string, unknown>;

function container(value: unknown): Container {
  if (typeof value !== "object" || value === null) throw unprocessable();
  return value as Container;
}

function child(parent: Container, segment: string): unknown {
  if (Array.isArray(parent)) return parent[index(segment, parent.length - 1)];
  if (!Object.hasOwn(parent, segment)) throw unprocessable();
  return parent[segment];
}

function index(segment: string, highest: number): number {
  if (!/^(0|[1-9]\d{0,8})$/.test(segment) || Number(segment) > highest) throw unprocessable();
  return Number(segment);
}

function given(value: unknown): unknown {
  if (value === undefined) throw unprocessable();
  return value;
}

function source(from: readonly string[] | undefined): readonly string[] {
  if (!from) throw unprocessable();
  return from;
}

/** LIST: objects joined from their served bytes, from the cache where it can answer, else from the store. */
import { FairleadError } from "../../../errors/catalogue.ts";
import type { RequestContext } from "../context.ts";
import { listOptions, type ListOptions } from "../request/options.ts";
import { ApiError } from "../status.ts";
import { inTurns, turn } from "../turns.ts";
import type { CachedObject } from "../storage/cache.ts";
import { selection, type Endpoint } from "./endpoint.ts";

/** Objects from which on lists take turns: fewer are listed in less than a millisecond. */
const largeList = 1000;

export interface ListPage {
  readonly objects: readonly CachedObject[];
  readonly revision: number;
  readonly continueToken: string | undefined;
  /** Undefined where a selector was given: nobody knows. */
  readonly remaining: number | undefined;
}

/** Where a list goes on: upstream's token, base64url of this JSON. */
interface ContinueToken {
  readonly v: "meta.k8s.io/v1";
  readonly rv: number;
  /** Key behind which the next page starts, without the resource's prefix. */
  readonly start: string;
}

/** Reads one page as the request asks for it. */
export async function listPage(endpoint: Endpoint, context: RequestContext): Promise<ListPage> {
  const options = listOptions(context.query);
  checkListOptions(options);
  const matches = selection(endpoint, options, context.info.name);
  if (options.continueToken !== undefined) return continued(endpoint, context, options, matches);
  const { cache } = endpoint.registry;
  const wanted = options.resourceVersion;
  if (options.resourceVersionMatch === "Exact" && wanted !== undefined) {
    return historic(endpoint, context, options, matches, wanted, undefined);
  }
  if (cache.items.size > largeList) await turn();
  if (wanted === undefined) await cache.current();
  else if (wanted > 0 && !(await cache.reach(wanted))) throw tooLargeVersion(wanted, cache.revision);
  const prefix = endpoint.registry.prefix(context.info.namespace);
  const selects = isSelected(options, context.info.name);
  const candidates = cache.items.withPrefix(prefix);
  return page(candidates, cache.revision, options.limit ?? Infinity, selects, matches, prefix);
}

function checkListOptions(options: ListOptions): void {
  if (options.resourceVersionMatch !== undefined && options.resourceVersion === undefined) {
    throw new ApiError(
      "Invalid",
      "resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided",
    );
  }
  if (options.continueToken !== undefined && (options.resourceVersion ?? 0) > 0) {
    throw new ApiError("BadRequest", "specifying resource version is not allowed when using continue");
  }
}

async function continued(
  endpoint: Endpoint,
  context: RequestContext,
  options: ListOptions,
  matches: (object: CachedObject) => boolean,
): Promise<ListPage> {
  const token = decodeToken(options.continueToken!);
  const prefix = endpoint.registry.prefix(context.info.namespace);
  return historic(endpoint, context, options, matches, token.rv, prefix + token.start);
}

/** Objects of the past that are read at once. */
const historicRead = 500;

/** A page of the past, from the store: read on until it is full. */
async function historic(
  endpoint: Endpoint,
  context: RequestContext,
  options: ListOptions,
  matches: (object: CachedObject) => boolean,
  revision: number,
  after: string | undefined,
): Promise<ListPage> {
  const prefix = endpoint.registry.prefix(context.info.namespace);
  const limit = options.limit ?? Infinity;
  const selects = isSelected(options, context.info.name);
  const objects: CachedObject[] = [];
  for (let last = after; ;) {
    const size = selects ? historicRead : Math.min(historicRead, limit - objects.length);
    // Who asks for a page without a selector is told how many are left.
    const counted = !selects && objects.length + size === limit;
    const read = await endpoint.registry.history(prefix, revision, size, last, counted).catch((error: unknown) => {
      throw historyError(error, revision, options.continueToken !== undefined);
    });
    let i = 0;
    for (; i < read.objects.length && objects.length < limit; i++)
      if (matches(read.objects[i]!)) objects.push(read.objects[i]!);
    last = read.objects[i - 1]?.key;
    const rest = read.remaining + read.objects.length - i;
    if (rest === 0 || last === undefined) return { objects, revision, continueToken: undefined, remaining: undefined };
    if (objects.length === limit)
      return cutOff(objects, last.slice(prefix.length), revision, selects ? undefined : rest);
  }
}

function historyError(error: unknown, revision: number, isContinued: boolean): unknown {
  if (!(error instanceof FairleadError)) return error;
  if (error.code === "STORE_COMPACTED") {
    const expired = isContinued
      ? "The provided continue parameter is too old to display a consistent list result. You must start a new list without the continue parameter."
      : `The resourceVersion for the provided list is too old: ${revision}`;
    return new ApiError("Expired", expired);
  }
  return error.code === "STORE_FUTURE_REVISION" ? tooLargeVersion(revision, 0) : error;
}

/** The first `limit` selected objects; objects that are not selected do not count. */
async function page(
  candidates: readonly CachedObject[],
  revision: number,
  limit: number,
  selects: boolean,
  matches: (object: CachedObject) => boolean,
  prefix: string,
): Promise<ListPage> {
  let seen = Math.min(limit, candidates.length);
  let objects = candidates.slice(0, seen);
  if (selects) {
    seen = 0;
    objects = [];
    await inTurns(candidates, (object) => {
      if (matches(object)) objects.push(object);
      return ++seen < candidates.length && objects.length < limit;
    });
  }
  const rest = candidates.length - seen;
  if (rest === 0) return { objects, revision, continueToken: undefined, remaining: undefined };
  return cutOff(objects, candidates[seen - 1]!.key.slice(prefix.length), revision, selects ? undefined : rest);
}

/** A page that is full. @param start key behind which the next one starts */
function cutOff(
  objects: readonly CachedObject[],
  start: string,
  revision: number,
  remaining: number | undefined,
): ListPage {
  const continueToken = encodeToken({ v: "meta.k8s.io/v1", rv: revision, start });
  return { objects, revision, continueToken, remaining };
}

/** Whether some of the objects may not be wanted. */
function isSelected({ labelSelector, fieldSelector }: ListOptions, name: string): boolean {
  return Boolean(labelSelector) || Boolean(fieldSelector) || name !== "";
}

function encodeToken(token: ContinueToken): string {
  return Buffer.from(JSON.stringify(token)).toString("base64url");
}

function decodeToken(text: string): ContinueToken {
  try {
    const token = JSON.parse(Buffer.from(text, "base64url").toString()) as ContinueToken;
    if (
      token.v === "meta.k8s.io/v1" &&
      Number.isSafeInteger(token.rv) &&
      token.rv > 0 &&
      typeof token.start === "string"
    ) {
      return token;
    }
  } catch {
    // Not JSON: the same refusal.
  }
  throw new ApiError("BadRequest", "continue key is not valid");
}

function tooLargeVersion(wanted: number, current: number): ApiError {
  const details = {
    causes: [{ reason: "ResourceVersionTooLarge", message: "Too large resource version" }],
    retryAfterSeconds: 1,
  };
  return new ApiError("Timeout", `Too large resource version: ${wanted}, current: ${current}`, details);
}

/** LIST: objects joined from their served bytes, from the cache where it can answer, else from the store. */
import { FairleadError } from "../../../errors/catalogue.ts";
import type { RequestContext } from "../context.ts";
import { listOptions, type ListOptions } from "../request/options.ts";
import { ApiError } from "../status.ts";
import { turn } from "../turns.ts";
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
  return page(cache.items.withPrefix(prefix), cache.revision, options, matches, prefix);
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

/** A page of the past, from the store. */
async function historic(
  endpoint: Endpoint,
  context: RequestContext,
  options: ListOptions,
  matches: (object: CachedObject) => boolean,
  revision: number,
  after: string | undefined,
): Promise<ListPage> {
  const prefix = endpoint.registry.prefix(context.info.namespace);
  const objects = await endpoint.registry.history(prefix, revision, after).catch((error: unknown) => {
    throw historyError(error, revision, options.continueToken !== undefined);
  });
  return page(objects, revision, options, matches, prefix);
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
function page(
  candidates: readonly CachedObject[],
  revision: number,
  options: ListOptions,
  matches: (object: CachedObject) => boolean,
  prefix: string,
): ListPage {
  const limit = options.limit ?? Infinity;
  const objects: CachedObject[] = [];
  let i = 0;
  for (; i < candidates.length && objects.length < limit; i++)
    if (matches(candidates[i]!)) objects.push(candidates[i]!);
  const rest = candidates.length - i;
  if (rest === 0) return { objects, revision, continueToken: undefined, remaining: undefined };
  const start = candidates[i - 1]!.key.slice(prefix.length);
  const selected = options.labelSelector || options.fieldSelector;
  return {
    objects,
    revision,
    continueToken: encodeToken({ v: "meta.k8s.io/v1", rv: revision, start }),
    remaining: selected ? undefined : rest,
  };
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

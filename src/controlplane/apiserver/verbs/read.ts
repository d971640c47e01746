/** GET and LIST as responses, in the form that the client accepts: objects, a Table, or metadata alone. */
import { json, jsonResponse, type ApiResponse, type RequestContext } from "../context.ts";
import { negotiate, type Form } from "../printing/negotiate.ts";
import { metadataOnly } from "../printing/metadata_only.ts";
import { tableOf, tableRow } from "../printing/table.ts";
import type { CachedObject } from "../storage/cache.ts";
import { parseObject } from "../storage/object_bytes.ts";
import { inTurns } from "../turns.ts";
import { inVersion, inVersionBytes, isStoredVersion } from "./convert.ts";
import { groupVersion, type Endpoint } from "./endpoint.ts";
import { listPage, type ListPage } from "./list.ts";

export async function get(endpoint: Endpoint, context: RequestContext): Promise<ApiResponse> {
  const { namespace, name } = context.info;
  const found = await endpoint.registry.get(namespace, name);
  return objectResponse(endpoint, context, 200, found.bytes);
}

/** One object in the accepted form. */
export function objectResponse(endpoint: Endpoint, context: RequestContext, code: number, bytes: Buffer): ApiResponse {
  const form = negotiate(context.headers["accept"]);
  if (form === "object") return { code, contentType: json, body: inVersionBytes(endpoint, bytes) };
  const object = inVersion(endpoint, parseObject(bytes));
  if (form === "metadata") return jsonResponse(code, metadataOnly(object));
  const include = context.query.get("includeObject");
  return jsonResponse(
    code,
    tableOf(endpoint.resource, [object], { resourceVersion: object.metadata.resourceVersion ?? "" }, include),
  );
}

export async function list(endpoint: Endpoint, context: RequestContext): Promise<ApiResponse> {
  const page = await listPage(endpoint, context);
  const body = await listBody(endpoint, page, negotiate(context.headers["accept"]), context.query.get("includeObject"));
  return { code: 200, contentType: json, body };
}

const comma = Buffer.from(",");

/** A list in the accepted form: its head, then item after item, in turns with everything else. */
async function listBody(endpoint: Endpoint, page: ListPage, form: Form, include: string | null): Promise<Buffer[]> {
  const bytesOf = itemBytes(endpoint, form, include);
  const parts: Buffer[] = [Buffer.from(listHead(endpoint, page, form, include).slice(0, -"]}".length))];
  const add = (object: CachedObject, i: number): void => {
    if (i > 0) parts.push(comma);
    parts.push(bytesOf(object));
  };
  // Bytes that are there already cost next to nothing.
  if (form === "object" && isStoredVersion(endpoint)) page.objects.forEach(add);
  else await inTurns(page.objects, add);
  parts.push(Buffer.from("]}"));
  return parts;
}

/** The list without items, which stand last. @throws ApiError 400 */
function listHead(endpoint: Endpoint, page: ListPage, form: Form, include: string | null): string {
  const metadata = listMeta(page);
  if (form === "table") return JSON.stringify(tableOf(endpoint.resource, [], metadata, include));
  const kind = form === "metadata" ? "PartialObjectMetadataList" : `${endpoint.resource.kind}List`;
  const apiVersion = form === "metadata" ? "meta.k8s.io/v1" : groupVersion(endpoint);
  return JSON.stringify({ kind, apiVersion, metadata, items: [] });
}

/** How an item stands in a list. Objects of the stored version are their bytes: nothing is parsed or stringified. */
function itemBytes(endpoint: Endpoint, form: Form, include: string | null): (object: CachedObject) => Buffer {
  if (form === "object") return ({ bytes }) => inVersionBytes(endpoint, bytes);
  const render = form === "table" ? tableRow(endpoint.resource, include) : metadataOnly;
  return ({ bytes }) => Buffer.from(JSON.stringify(render(inVersion(endpoint, parseObject(bytes)))));
}

export interface ListMeta {
  readonly resourceVersion: string;
  readonly continue?: string;
  readonly remainingItemCount?: number;
}

export function listMeta(page: ListPage): ListMeta {
  return {
    resourceVersion: String(page.revision),
    ...(page.continueToken === undefined ? {} : { continue: page.continueToken }),
    ...(page.remaining === undefined ? {} : { remainingItemCount: page.remaining }),
  };
}

/** GET and LIST as responses, in the form that the client accepts: objects, a Table, or metadata alone. */
import { json, jsonResponse, type ApiResponse, type RequestContext } from "../context.ts";
import { negotiate } from "../printing/negotiate.ts";
import { metadataOnly } from "../printing/metadata_only.ts";
import { tableOf } from "../printing/table.ts";
import { parseObject } from "../storage/object_bytes.ts";
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
  const form = negotiate(context.headers["accept"]);
  if (form === "object") return { code: 200, contentType: json, body: listBody(endpoint, page) };
  const objects = page.objects.map((object) => inVersion(endpoint, parseObject(object.bytes)));
  if (form === "metadata") {
    const kind = "PartialObjectMetadataList";
    return jsonResponse(200, {
      kind,
      apiVersion: "meta.k8s.io/v1",
      metadata: listMeta(page),
      items: objects.map(metadataOnly),
    });
  }
  return jsonResponse(200, tableOf(endpoint.resource, objects, listMeta(page), context.query.get("includeObject")));
}

const comma = Buffer.from(",");

/** The list's bytes are the items' bytes: nothing is parsed or stringified. */
function listBody(endpoint: Endpoint, page: ListPage): Buffer[] {
  const head = { kind: `${endpoint.resource.kind}List`, apiVersion: groupVersion(endpoint), metadata: listMeta(page) };
  const parts: Buffer[] = [Buffer.from(`${JSON.stringify(head).slice(0, -1)},"items":[`)];
  const asStored = isStoredVersion(endpoint);
  page.objects.forEach(({ bytes }, i) => {
    if (i > 0) parts.push(comma);
    parts.push(asStored ? bytes : inVersionBytes(endpoint, bytes));
  });
  parts.push(Buffer.from("]}"));
  return parts;
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

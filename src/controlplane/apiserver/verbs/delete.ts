/** DELETE of one object and of a collection. */
import { jsonResponse, type ApiResponse, type RequestContext } from "../context.ts";
import { parseJson } from "../request/body.ts";
import { writeOptions } from "../request/options.ts";
import { ApiError } from "../status.ts";
import type { DeleteOptions } from "../storage/deletion.ts";
import { parseObject } from "../storage/object_bytes.ts";
import type { Endpoint } from "./endpoint.ts";
import { listPage } from "./list.ts";
import { objectResponse } from "./read.ts";
import { writeRequest } from "./write.ts";

export async function deleteOne(endpoint: Endpoint, context: RequestContext): Promise<ApiResponse> {
  const { namespace, name } = context.info;
  const { options, dryRun } = await readOptions(context);
  const request = { ...writeRequest(context, writeOptions(context.query)), dryRun };
  const deleted = await endpoint.registry.delete(namespace, name, options, request);
  // An object that is only marked comes back itself; pods do too where they are gone (upstream's ReturnDeletedObject).
  if (!deleted.gone) return objectResponse(endpoint, context, 200, deleted.bytes);
  const { group, plural } = endpoint.resource;
  const details = { name, ...(group === "" ? {} : { group }), kind: plural, uid: deleted.object.metadata.uid };
  return jsonResponse(200, { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", details });
}

export async function deleteCollection(endpoint: Endpoint, context: RequestContext): Promise<ApiResponse> {
  const { options, dryRun } = await readOptions(context);
  const request = { ...writeRequest(context, writeOptions(context.query)), dryRun };
  const page = await listPage(endpoint, context);
  for (const { bytes } of page.objects) {
    const { metadata } = parseObject(bytes);
    await endpoint.registry
      .delete(metadata.namespace ?? "", metadata.name!, options, request)
      .catch((error: unknown) => {
        if (!(error instanceof ApiError) || error.reason !== "NotFound") throw error;
      });
  }
  const items = page.objects.map(({ bytes }) => parseObject(bytes));
  return jsonResponse(200, {
    kind: `${endpoint.resource.kind}List`,
    apiVersion:
      endpoint.resource.group === ""
        ? endpoint.version.version
        : `${endpoint.resource.group}/${endpoint.version.version}`,
    metadata: { resourceVersion: String(endpoint.registry.cache.revision) },
    items,
  });
}

/** DeleteOptions come in the body, or as query parameters. */
async function readOptions(context: RequestContext): Promise<{ options: DeleteOptions; dryRun: boolean }> {
  const bytes = await context.body();
  const body = bytes.length === 0 ? {} : parseJson(bytes);
  if (typeof body !== "object" || body === null || Array.isArray(body)) {
    throw new ApiError("BadRequest", "DeleteOptions must be an object");
  }
  const grace = context.query.get("gracePeriodSeconds");
  const policy = context.query.get("propagationPolicy");
  const orphan = context.query.get("orphanDependents");
  const options = {
    ...(grace === null ? {} : { gracePeriodSeconds: Number(grace) }),
    ...(policy === null ? {} : { propagationPolicy: policy }),
    ...(orphan === null ? {} : { orphanDependents: orphan === "true" }),
    ...body,
  } as DeleteOptions & { dryRun?: string[] };
  checkOptions(options);
  return { options, dryRun: (options.dryRun ?? context.query.getAll("dryRun")).length > 0 };
}

const policies: readonly unknown[] = ["Orphan", "Background", "Foreground", undefined];

function checkOptions(options: DeleteOptions): void {
  const { gracePeriodSeconds, propagationPolicy, orphanDependents } = options;
  if (gracePeriodSeconds !== undefined && !Number.isSafeInteger(gracePeriodSeconds)) {
    throw new ApiError("BadRequest", "gracePeriodSeconds: Invalid value: must be a whole number");
  }
  if (!policies.includes(propagationPolicy)) {
    const supported = '"Foreground", "Background", "Orphan"';
    throw new ApiError(
      "Invalid",
      `DeleteOptions is invalid: propagationPolicy: Unsupported value: "${String(propagationPolicy)}": supported values: ${supported}`,
    );
  }
  if (propagationPolicy !== undefined && orphanDependents !== undefined) {
    throw new ApiError(
      "Invalid",
      "DeleteOptions is invalid: propagationPolicy and orphanDependents cannot be set both",
    );
  }
}

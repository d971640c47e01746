/** DELETE of one object and of a collection. */
import { json, jsonResponse, type ApiResponse, type RequestContext } from "../context.ts";
import { decodedBody, shown } from "../request/body.ts";
import { isTrue } from "../request/info.ts";
import { writeOptions } from "../request/options.ts";
import type { Resource } from "../resources/resource.ts";
import { ApiError, invalid, qualified, type Cause } from "../status.ts";
import type { CachedObject } from "../storage/cache.ts";
import type { DeleteOptions } from "../storage/deletion.ts";
import type { WriteRequest } from "../storage/registry.ts";
import { inVersionBytes } from "./convert.ts";
import { groupVersion, type Endpoint } from "./endpoint.ts";
import { listPage } from "./list.ts";
import { listMeta, objectResponse } from "./read.ts";
import { writeRequest } from "./write.ts";

/** What answers with the object where it is gone (ReturnDeletedObject of upstream's registries); others with a Status. */
const returnsDeleted: ReadonlySet<string> = new Set([
  "pods",
  "podtemplates",
  "services",
  "serviceaccounts",
  "resourcequotas",
  "persistentvolumes",
  "persistentvolumeclaims",
  "namespaces",
  "storageclasses.storage.k8s.io",
  "volumeattachments.storage.k8s.io",
  "csinodes.storage.k8s.io",
  "csidrivers.storage.k8s.io",
  "csistoragecapacities.storage.k8s.io",
]);

/** Objects of a collection that are deleted at one time: their commits are shared. */
const parallelDeletions = 16;

export async function deleteOne(endpoint: Endpoint, context: RequestContext): Promise<ApiResponse> {
  const { namespace, name } = context.info;
  const { options, request } = await readRequest(endpoint, context);
  warnOfOrphans(endpoint, context, options);
  const deleted = await endpoint.registry.delete(namespace, name, options, request);
  // 202 for who asked for dependents to go first by the older option (apiserver, handlers/delete.go).
  const code = !deleted.gone && options.orphanDependents === false ? 202 : 200;
  if (!deleted.gone || returnsDeleted.has(qualified(endpoint.resource))) {
    return objectResponse(endpoint, context, code, deleted.bytes);
  }
  const { group, plural } = endpoint.resource;
  const details = { name, ...(group === "" ? {} : { group }), kind: plural, uid: deleted.object.metadata.uid };
  return jsonResponse(code, { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", details });
}

export async function deleteCollection(endpoint: Endpoint, context: RequestContext): Promise<ApiResponse> {
  const { options, request } = await readRequest(endpoint, context);
  warnOfOrphans(endpoint, context, options);
  const page = await listPage(endpoint, context);
  await deleteAll(endpoint, page.objects, options, request);
  const head = {
    kind: `${endpoint.resource.kind}List`,
    apiVersion: groupVersion(endpoint),
    metadata: listMeta(page),
  };
  const body: Buffer[] = [Buffer.from(`${JSON.stringify(head).slice(0, -1)},"items":[`)];
  page.objects.forEach(({ bytes }, i) => {
    if (i > 0) body.push(comma);
    body.push(inVersionBytes(endpoint, bytes));
  });
  body.push(Buffer.from("]}"));
  return { code: 200, contentType: json, body };
}

const orphanWarning =
  "child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or set propagationPolicy=Orphan to suppress this warning";

/** Of Jobs alone (pkg/registry/batch/job/storage). */
function warnOfOrphans({ resource }: Endpoint, { warnings }: RequestContext, options: DeleteOptions): void {
  if (resource.group !== "batch" || resource.strategy.dependents !== "orphan") return;
  if (options.propagationPolicy === undefined && options.orphanDependents === undefined) warnings.push(orphanWarning);
}

const comma = Buffer.from(",");

/** Some at a time; the first failure ends it, and what is gone already is none. */
async function deleteAll(
  { registry }: Endpoint,
  objects: readonly CachedObject[],
  options: DeleteOptions,
  request: WriteRequest,
): Promise<void> {
  let next = 0;
  let hasFailed = false;
  const work = async (): Promise<void> => {
    while (next < objects.length && !hasFailed) {
      const { fields } = objects[next++]!;
      const { "metadata.namespace": namespace = "", "metadata.name": name = "" } = fields;
      try {
        await registry.delete(namespace, name, options, request);
      } catch (error) {
        if (error instanceof ApiError && error.reason === "NotFound") continue;
        hasFailed = true;
        throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(parallelDeletions, objects.length) }, work));
}

async function readRequest(
  endpoint: Endpoint,
  context: RequestContext,
): Promise<{ options: DeleteOptions; request: WriteRequest }> {
  const { dryRun, ...options } = await readOptions(endpoint, context);
  const request = writeRequest(context, writeOptions(context.query));
  return { options, request: { ...request, dryRun: (dryRun ?? []).length > 0 } };
}

type BodyOptions = DeleteOptions & { readonly dryRun?: readonly string[] };

/** DeleteOptions come in the body, or else as query parameters. */
async function readOptions(endpoint: Endpoint, context: RequestContext): Promise<BodyOptions> {
  const bytes = await context.body();
  const options = bytes.length === 0 ? optionsOfQuery(context.query) : await optionsOfBody(endpoint, context);
  const causes = causesOf(options);
  if (causes.length > 0) throw invalid(deleteOptions, "", causes);
  return options;
}

const deleteOptions = { group: "meta.k8s.io", kind: "DeleteOptions", plural: "deleteoptions" };

function optionsOfQuery(query: URLSearchParams): BodyOptions {
  const grace = query.get("gracePeriodSeconds");
  const policy = query.get("propagationPolicy");
  const orphan = query.get("orphanDependents");
  if (grace !== null && !/^-?\d+$/.test(grace)) {
    throw new ApiError("BadRequest", `gracePeriodSeconds: Invalid value: "${grace}": must be a whole number`);
  }
  return {
    ...(grace === null ? {} : { gracePeriodSeconds: Number(grace) }),
    ...(policy === null ? {} : { propagationPolicy: policy as NonNullable<DeleteOptions["propagationPolicy"]> }),
    ...(orphan === null ? {} : { orphanDependents: isTrue(orphan) }),
    ...(query.has("dryRun") ? { dryRun: query.getAll("dryRun") } : {}),
  };
}

/** Any group's version may say its kind (metav1.AddToGroupVersion). */
async function optionsOfBody({ resource }: Endpoint, context: RequestContext): Promise<BodyOptions> {
  const body = await decodedBody(context);
  if (typeof body !== "object" || body === null || Array.isArray(body)) throw notOptions("");
  const { kind = "DeleteOptions", apiVersion = "v1", ...options } = body as Record<string, unknown>;
  if (kind !== "DeleteOptions" || !isVersionOf(resource, apiVersion))
    throw notOptions(`${shown(kind)} of ${shown(apiVersion)}`);
  checkTypes(options);
  return options;
}

function isVersionOf(resource: Resource, apiVersion: unknown): boolean {
  if (apiVersion === "v1" || apiVersion === "meta.k8s.io/v1") return true;
  return resource.versions.some(({ version }) => apiVersion === `${resource.group}/${version}`);
}

function notOptions(what: string): ApiError {
  const tail = what === "" ? "" : `: it is ${what}`;
  return new ApiError("BadRequest", `decoded object cannot be converted to DeleteOptions${tail}`);
}

/** What a Go decoder would not take. */
function checkTypes(options: Record<string, unknown>): void {
  const { gracePeriodSeconds: grace, orphanDependents: orphan, preconditions, dryRun } = options;
  const isObject = typeof preconditions === "object" && !Array.isArray(preconditions);
  const wrong =
    (grace !== undefined && grace !== null && !Number.isSafeInteger(grace) && "gracePeriodSeconds") ||
    (orphan !== undefined && orphan !== null && typeof orphan !== "boolean" && "orphanDependents") ||
    (preconditions !== undefined && !isObject && "preconditions") ||
    (isObject && wrongPrecondition(preconditions as Record<string, unknown> | null)) ||
    (dryRun !== undefined && dryRun !== null && !Array.isArray(dryRun) && "dryRun");
  if (wrong) throw new ApiError("BadRequest", `DeleteOptions.${wrong} is of a wrong type`);
  // null is as good as absent.
  for (const [field, value] of Object.entries(options)) if (value === null) delete options[field];
}

function wrongPrecondition(preconditions: Record<string, unknown> | null): string | undefined {
  const isText = (value: unknown): boolean => value === undefined || value === null || typeof value === "string";
  return ["uid", "resourceVersion"].find((field) => !isText(preconditions?.[field]))?.replace(/^/, "preconditions.");
}

/** Upstream's ValidateDeleteOptions. */
function causesOf({ propagationPolicy, orphanDependents, dryRun }: BodyOptions): Cause[] {
  const causes: Cause[] = [];
  if (propagationPolicy !== undefined && orphanDependents !== undefined) {
    const message = `Invalid value: ${JSON.stringify(propagationPolicy)}: orphanDependents and deletionPropagation cannot be both set`;
    causes.push({ reason: "FieldValueInvalid", message, field: "propagationPolicy" });
  }
  if (propagationPolicy !== undefined && !["Foreground", "Background", "Orphan"].includes(propagationPolicy)) {
    const supported = '"Background", "Foreground", "Orphan", "nil"';
    const message = `Unsupported value: ${JSON.stringify(propagationPolicy)}: supported values: ${supported}`;
    causes.push({ reason: "FieldValueNotSupported", message, field: "propagationPolicy" });
  }
  if (dryRun?.some((value) => value !== "All")) {
    const message = `Unsupported value: ${JSON.stringify(dryRun)}: supported values: "All"`;
    causes.push({ reason: "FieldValueNotSupported", message, field: "dryRun" });
  }
  return causes;
}

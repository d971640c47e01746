/**
 * pods/eviction: a deletion that asks the pod's disruption budget first (policy/v1, upstream's
 * core/pod/storage/eviction.go). A budget's count is taken by compare-and-swap: of two evictions that
 * race for the last allowed disruption, one is refused.
 */
import type { V1Pod, V1PodDisruptionBudget } from "@kubernetes/client-node";
import { jsonResponse, type ApiResponse, type RequestContext } from "../context.ts";
import { decodedBody, objectOf } from "../request/body.ts";
import { writeOptions } from "../request/options.ts";
import type { ApiObject } from "../resources/resource.ts";
import type { Routes, SubresourceHandlers } from "../routes.ts";
import { ApiError, type Cause } from "../status.ts";
import type { DeleteOptions } from "../storage/deletion.ts";
import { parseObject } from "../storage/object_bytes.ts";
import { checkPreconditions, type Registry, type WriteRequest } from "../storage/registry.ts";
import { timestamp } from "../../../model/timestamp.ts";
import type { Json } from "../validation/json.ts";
import { selects } from "../validation/labels.ts";
import type { Endpoint } from "../verbs/endpoint.ts";
import { writeRequest } from "../verbs/write.ts";
import { setCondition } from "./binding.ts";

type Pod = ApiObject & Json<Pick<V1Pod, "spec" | "status">>;
type Budget = ApiObject & Json<Pick<V1PodDisruptionBudget, "spec" | "status">>;
type Eviction = ApiObject & { deleteOptions?: DeleteOptions & { dryRun?: readonly string[] } };

/** Evictions that a budget's controller has yet to see; more say that it does not run. */
const maxDisruptedPods = 2000;
const processingRetrySeconds = 10;
/** As upstream's EvictionsRetry. */
const maxAttempts = 20;

export const evictionHandlers: SubresourceHandlers = new Map([["pods/eviction", { create: evict }]]);

async function evict(endpoint: Endpoint, context: RequestContext, routes: Routes): Promise<ApiResponse> {
  const { namespace, name } = context.info;
  const eviction = await readEviction(context);
  const query = writeOptions(context.query);
  const options = eviction.deleteOptions ?? {};
  const dryRun = query.dryRun || (options.dryRun ?? []).length > 0;
  const request = { ...writeRequest(context, query), subresource: "", dryRun };
  for (let attempt = 1; ; attempt++) {
    const pod = (await endpoint.registry.get(namespace, name)).object as Pod;
    const isUnguarded = needsNoBudget(pod);
    const guard = isUnguarded ? forUnguarded(pod) : await askBudget(pod, routes, request);
    try {
      await removePod(endpoint.registry, pod, options, guard, request);
      break;
    } catch (error) {
      // It changed meanwhile: a budget may count it now.
      const mayRetry = isUnguarded && options.preconditions?.resourceVersion === undefined;
      if (!isConflict(error) || !mayRetry || attempt === maxAttempts) throw error;
    }
  }
  return jsonResponse(201, { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", code: 201 });
}

function isConflict(error: unknown): boolean {
  return error instanceof ApiError && error.reason === "Conflict";
}

/** On what an eviction's deletion depends. */
interface Guard {
  /** The pod that was looked at must be the one that goes: it might have become healthy since. */
  readonly isExact: boolean;
  /** What a pod that changed in between is answered with; undefined for the conflict itself. */
  readonly changed: ApiError | undefined;
}

const unconditional: Guard = { isExact: false, changed: undefined };

/** A pod that has not begun may become one that a budget counts; one that has ended may not. */
function forUnguarded({ metadata, status }: Pod): Guard {
  const isOver =
    metadata.deletionTimestamp !== undefined || status?.phase === "Succeeded" || status?.phase === "Failed";
  return isOver ? unconditional : { isExact: true, changed: undefined };
}

const target = {
  type: "DisruptionTarget",
  status: "True",
  reason: "EvictionByEvictionAPI",
  message: "Eviction API: evicting",
};

/** Marks the pod as evicted, and deletes it. A version that the client names binds it, and is the only one then. */
async function removePod(
  pods: Registry,
  pod: Pod,
  { preconditions, ...options }: DeleteOptions,
  guard: Guard,
  request: WriteRequest,
): Promise<void> {
  const { namespace = "", name = "", resourceVersion: seen } = pod.metadata;
  const given = preconditions?.resourceVersion;
  const wanted = given ?? (guard.isExact ? seen : undefined);
  const conditions = { ...preconditions, ...(wanted === undefined ? {} : { resourceVersion: wanted }) };
  try {
    const marked = await pods.amend(namespace, name, (object) => mark(pods, object, conditions), request);
    const now = request.dryRun ? wanted : marked.object.metadata.resourceVersion;
    const exact = wanted === undefined || now === undefined ? {} : { resourceVersion: now };
    await pods.delete(namespace, name, { ...options, preconditions: { ...conditions, ...exact } }, request);
  } catch (error) {
    throw isConflict(error) && given === undefined && guard.changed ? guard.changed : error;
  }
}

function mark(pods: Registry, object: ApiObject, preconditions: DeleteOptions["preconditions"]): void {
  checkPreconditions(pods.resource, object, object.metadata.name ?? "", { preconditions: preconditions ?? {} });
  setCondition(object, target);
}

async function readEviction(context: RequestContext): Promise<Eviction> {
  const { namespace, name } = context.info;
  const body = (await decodedBody(context)) as Partial<ApiObject> | null;
  if (body?.metadata?.name && body.metadata.name !== name) {
    throw new ApiError("BadRequest", "name in URL does not match name in Eviction object");
  }
  // policy/v1beta1 is the same object, and older clients send it.
  const apiVersion = body?.apiVersion === "policy/v1beta1" ? "policy/v1beta1" : "policy/v1";
  return objectOf(body, { kind: "Eviction", apiVersion, name, namespace });
}

/** Pods that serve nobody. */
function needsNoBudget({ metadata, status }: Pod): boolean {
  const phase = status?.phase ?? "";
  return metadata.deletionTimestamp !== undefined || ["Succeeded", "Failed", "Pending"].includes(phase);
}

/** @throws ApiError 429, 500 */
async function askBudget(pod: Pod, routes: Routes, request: WriteRequest): Promise<Guard> {
  const budgets = routes.find("policy", "v1", "poddisruptionbudgets")!.registry;
  const found = await budgetsOf(pod, budgets);
  if (found.length > 1) {
    const why = "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.";
    throw new ApiError("InternalError", why);
  }
  const [budget] = found;
  if (!budget) return unconditional;
  const { namespace = "", name = "" } = budget.metadata;
  if (!isReady(pod) && ignoresUnready(budget)) return { isExact: true, changed: stillProcessing(name) };
  await budgets.amend(namespace, name, (object) => takeDisruption(object, pod), request);
  return unconditional;
}

async function budgetsOf(pod: Pod, budgets: Registry): Promise<Budget[]> {
  await budgets.cache.current();
  const all = budgets.cache.items.withPrefix(budgets.prefix(pod.metadata.namespace ?? ""));
  return all
    .map(({ bytes }) => parseObject(bytes) as Budget)
    .filter(({ spec }) => selects(spec?.selector, pod.metadata.labels));
}

function isReady({ status }: Pod): boolean {
  return (status?.conditions ?? []).some(({ type, status: value }) => type === "Ready" && value === "True");
}

/** KEP-3017: a pod that is not ready serves nobody; by default, only as long as enough others do. */
function ignoresUnready({ spec, status }: Budget): boolean {
  if (spec?.unhealthyPodEvictionPolicy === "AlwaysAllow") return true;
  const desired = status?.desiredHealthy ?? 0;
  return desired > 0 && (status?.currentHealthy ?? 0) >= desired;
}

/** @throws ApiError 429, 403 */
function takeDisruption(budget: Budget, pod: Pod): void {
  const status = (budget.status ??= {});
  const name = budget.metadata.name!;
  if ((status.observedGeneration ?? 0) < (budget.metadata.generation ?? 0)) throw stillProcessing(name);
  const allowed = status.disruptionsAllowed ?? 0;
  if (allowed < 0) throw forbidden(name, "pdb disruptions allowed is negative");
  const disrupted = status.disruptedPods ?? {};
  if (Object.keys(disrupted).length > maxDisruptedPods) {
    throw forbidden(name, "DisruptedPods map too big - too many evictions not confirmed by PDB controller");
  }
  if (allowed === 0) throw refusal(whyNone(budget), undefined);
  status.disruptionsAllowed = allowed - 1;
  status.disruptedPods = { ...disrupted, [pod.metadata.name!]: timestamp(Date.now()) };
  if (allowed === 1) refuseFurther(budget);
}

function whyNone({ metadata, status }: Budget): string {
  const condition = (status?.conditions ?? []).find(({ type }) => type === "DisruptionAllowed");
  if (condition?.status === "False" && condition.reason === "SyncFailed") {
    return `The disruption budget ${metadata.name} does not allow evicting pods currently because it failed sync: ${condition.message ?? ""}`;
  }
  return `The disruption budget ${metadata.name} needs ${status?.desiredHealthy ?? 0} healthy pods and has ${status?.currentHealthy ?? 0} currently`;
}

function forbidden(name: string, why: string): ApiError {
  const details = { name, group: "policy", kind: "poddisruptionbudget" };
  return new ApiError("Forbidden", `poddisruptionbudget.policy "${name}" is forbidden: ${why}`, details);
}

function stillProcessing(name: string): ApiError {
  return refusal(`The disruption budget ${name} is still being processed by the server.`, processingRetrySeconds);
}

function refuseFurther(budget: Budget): void {
  const status = budget.status!;
  const condition = {
    type: "DisruptionAllowed",
    status: "False",
    reason: "InsufficientPods",
    message: "",
    lastTransitionTime: timestamp(Date.now()),
    observedGeneration: status.observedGeneration ?? 0,
  };
  status.conditions = [...(status.conditions ?? []).filter(({ type }) => type !== condition.type), condition];
}

function refusal(message: string, retryAfterSeconds: number | undefined): ApiError {
  const causes: Cause[] = [{ reason: "DisruptionBudget", message }];
  return new ApiError("TooManyRequests", "Cannot evict pod as it would violate the pod's disruption budget.", {
    causes,
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
  });
}

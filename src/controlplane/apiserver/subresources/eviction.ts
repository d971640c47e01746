/**
 * pods/eviction: a deletion that asks the pod's disruption budget first (policy/v1, upstream's
 * core/pod/storage/eviction.go). A budget's count is taken by compare-and-swap: of two evictions that
 * race for the last allowed disruption, one is refused.
 */
import type { V1LabelSelector, V1Pod, V1PodDisruptionBudget } from "@kubernetes/client-node";
import { jsonResponse, type ApiResponse, type RequestContext } from "../context.ts";
import { decodedBody, objectOf } from "../request/body.ts";
import { writeOptions } from "../request/options.ts";
import type { ApiObject } from "../resources/resource.ts";
import type { Routes, SubresourceHandlers } from "../routes.ts";
import { ApiError, type Cause } from "../status.ts";
import type { DeleteOptions } from "../storage/deletion.ts";
import { parseObject } from "../storage/object_bytes.ts";
import type { Registry } from "../storage/registry.ts";
import { timestamp } from "../storage/timestamp.ts";
import type { Json } from "../validation/json.ts";
import type { Endpoint } from "../verbs/endpoint.ts";
import { writeRequest } from "../verbs/write.ts";
import { setCondition } from "./binding.ts";

type Pod = ApiObject & Json<Pick<V1Pod, "spec" | "status">>;
type Budget = ApiObject & Json<Pick<V1PodDisruptionBudget, "spec" | "status">>;
type Eviction = ApiObject & { deleteOptions?: DeleteOptions & { dryRun?: readonly string[] } };

/** Evictions that a budget's controller has yet to see; more say that it does not run. */
const maxDisruptedPods = 2000;
const processingRetrySeconds = 10;

export const evictionHandlers: SubresourceHandlers = new Map([["pods/eviction", { create: evict }]]);

async function evict(endpoint: Endpoint, context: RequestContext, routes: Routes): Promise<ApiResponse> {
  const { namespace, name } = context.info;
  const eviction = await readEviction(context);
  const options = eviction.deleteOptions ?? {};
  const dryRun = writeOptions(context.query).dryRun || (options.dryRun ?? []).length > 0;
  const pod = (await endpoint.registry.get(namespace, name)).object as Pod;
  if (!needsNoBudget(pod)) await askBudget(pod, routes, dryRun);
  const request = { ...writeRequest(context, writeOptions(context.query)), subresource: "", dryRun };
  const target = {
    type: "DisruptionTarget",
    status: "True",
    reason: "EvictionByEvictionAPI",
    message: "Eviction API: evicting",
  };
  await endpoint.registry.amend(namespace, name, (object) => setCondition(object, target), dryRun);
  // The amended pod has another version than the one that a client may have named.
  const { resourceVersion: _seen, ...preconditions } = options.preconditions ?? {};
  await endpoint.registry.delete(namespace, name, { ...options, preconditions }, request);
  return jsonResponse(201, { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", code: 201 });
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
async function askBudget(pod: Pod, routes: Routes, dryRun: boolean): Promise<void> {
  const budgets = routes.find("policy", "v1", "poddisruptionbudgets")!.registry;
  const found = await budgetsOf(pod, budgets);
  if (found.length === 0) return;
  if (found.length > 1) {
    const why = "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.";
    throw new ApiError("InternalError", why);
  }
  const budget = found[0]!;
  if (!isReady(pod) && ignoresUnready(budget)) return;
  const { namespace = "", name = "" } = budget.metadata;
  await budgets.amend(namespace, name, (object) => takeDisruption(object, pod), dryRun);
}

async function budgetsOf(pod: Pod, budgets: Registry): Promise<Budget[]> {
  await budgets.cache.current();
  const all = budgets.cache.items.withPrefix(budgets.prefix(pod.metadata.namespace ?? ""));
  return all
    .map(({ bytes }) => parseObject(bytes) as Budget)
    .filter(({ spec }) => spec?.selector !== undefined && selects(spec.selector, pod.metadata.labels ?? {}));
}

/** An empty selector selects every pod. */
export function selects(selector: Json<V1LabelSelector>, labels: Readonly<Record<string, string>>): boolean {
  const all = Object.entries(selector.matchLabels ?? {}).every(([key, value]) => labels[key] === value);
  return all && (selector.matchExpressions ?? []).every((term) => meets(term, labels));
}

type Term = { key?: string | undefined; operator?: string | undefined; values?: string[] | undefined };

function meets({ key = "", operator, values = [] }: Term, labels: Readonly<Record<string, string>>): boolean {
  const has = Object.hasOwn(labels, key);
  if (operator === "Exists") return has;
  if (operator === "DoesNotExist") return !has;
  return operator === "In" ? has && values.includes(labels[key]!) : !has || !values.includes(labels[key]!);
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
  if ((status.observedGeneration ?? 0) < (budget.metadata.generation ?? 0)) {
    const words = `The disruption budget ${name} is still being processed by the server.`;
    throw refusal(words, processingRetrySeconds);
  }
  const allowed = status.disruptionsAllowed ?? 0;
  if (allowed < 0) throw new ApiError("Forbidden", "pdb disruptions allowed is negative");
  const disrupted = status.disruptedPods ?? {};
  if (Object.keys(disrupted).length > maxDisruptedPods) {
    throw new ApiError("Forbidden", "DisruptedPods map too big - too many evictions not confirmed by PDB controller");
  }
  if (allowed === 0) {
    const words = `The disruption budget ${name} needs ${status.desiredHealthy ?? 0} healthy pods and has ${status.currentHealthy ?? 0} currently`;
    throw refusal(words, undefined);
  }
  status.disruptionsAllowed = allowed - 1;
  status.disruptedPods = { ...disrupted, [pod.metadata.name!]: timestamp(Date.now()) };
  if (allowed === 1) refuseFurther(budget);
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

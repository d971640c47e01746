/** pods/binding and bindings: a scheduler gives a pod its node (pkg/registry/core/pod/storage). */
import type { V1Binding, V1Pod, V1PodCondition } from "@kubernetes/client-node";
import { jsonResponse, type ApiResponse, type RequestContext } from "../context.ts";
import { decodedBody, objectOf } from "../request/body.ts";
import { writeOptions } from "../request/options.ts";
import type { ApiObject } from "../resources/resource.ts";
import type { SubresourceHandlers } from "../routes.ts";
import { ApiError, conflict, invalid } from "../status.ts";
import type { Registry } from "../storage/registry.ts";
import { timestamp } from "../../../model/timestamp.ts";
import { causesOf } from "../validation/causes.ts";
import { ensurePart, type Json } from "../validation/json.ts";
import { checkFields } from "../validation/fields.ts";

type Binding = ApiObject & Json<Pick<V1Binding, "target">>;
type Pod = ApiObject & Json<Pick<V1Pod, "spec" | "status">>;

const bindingKind = { group: "", plural: "pods/binding", kind: "Binding" };

/** POST …/pods/x/binding. */
export const bindingHandlers: SubresourceHandlers = new Map([
  ["pods/binding", { create: (endpoint, context) => bind(endpoint.registry, context, context.info.name) }],
]);

/** POST …/bindings: the older path, which names the pod in the object. */
export const bindingAnswers: SubresourceHandlers = new Map([
  ["bindings", { create: (_endpoint, context, routes) => bind(routes.find("", "v1", "pods")!.registry, context, "") }],
]);

async function bind(pods: Registry, context: RequestContext, podName: string): Promise<ApiResponse> {
  const { namespace } = context.info;
  const options = writeOptions(context.query);
  const expected = { kind: "Binding", apiVersion: "v1", name: podName, namespace };
  const binding = objectOf(await decodedBody(context), expected) as Binding;
  checkFields("V1Binding", binding, options.fieldValidation, context.warnings);
  const name = binding.metadata.name ?? "";
  if (name === "") throw new ApiError("BadRequest", "name is required");
  checkTarget(binding);
  await pods.amend(namespace, name, (pod) => assign(pod, binding), { ...options, fence: context.fence });
  return jsonResponse(201, { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", code: 201 });
}

function checkTarget(binding: Binding): void {
  const target = binding.target ?? {};
  const causes = causesOf((out) => {
    if (target.kind && target.kind !== "Node") out.notSupported("target.kind", target.kind, ["Node", "<empty>"]);
    if (!target.name) out.required("target.name");
  });
  if (causes.length > 0) throw invalid({ ...bindingKind, plural: "bindings" }, binding.metadata.name ?? "", causes);
}

/** @throws ApiError 409 */
function assign(pod: Pod, { metadata, target }: Binding): void {
  const name = pod.metadata.name!;
  checkSeen(pod, metadata);
  const spec = (pod.spec ??= {});
  const why = reasonAgainst(pod, name);
  if (why !== undefined) throw conflict(bindingKind, name, why);
  spec.nodeName = target!.name;
  if (metadata.annotations) pod.metadata.annotations = { ...pod.metadata.annotations, ...metadata.annotations };
  setCondition(pod, { type: "PodScheduled", status: "True" });
}

function checkSeen(pod: Pod, { uid, resourceVersion }: ApiObject["metadata"]): void {
  if (uid && uid !== pod.metadata.uid) {
    throw conflict(
      bindingKind,
      pod.metadata.name!,
      `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${pod.metadata.uid}`,
    );
  }
  if (resourceVersion && resourceVersion !== pod.metadata.resourceVersion) {
    throw conflict(
      bindingKind,
      pod.metadata.name!,
      `Precondition failed: ResourceVersion in precondition: ${resourceVersion}, ResourceVersion in object meta: ${pod.metadata.resourceVersion}`,
    );
  }
}

function reasonAgainst({ metadata, spec }: Pod, name: string): string | undefined {
  if (metadata.deletionTimestamp !== undefined) return `pod ${name} is being deleted, cannot be assigned to a host`;
  if (spec?.nodeName) return `pod ${name} is already assigned to node "${spec.nodeName}"`;
  if ((spec?.schedulingGates ?? []).length > 0) return `pod ${name} has non-empty .spec.schedulingGates`;
  return undefined;
}

/** Sets a condition of a pod at its generation; the time of its transition changes with its status alone. */
export function setCondition(pod: ApiObject, condition: Json<V1PodCondition>): void {
  const status = ensurePart<NonNullable<V1Pod["status"]>>(pod, "status");
  const conditions = [...(status.conditions ?? [])];
  const at = conditions.findIndex(({ type }) => type === condition.type);
  const before = at < 0 ? undefined : conditions[at];
  const isSame = before?.status === condition.status && before?.lastTransitionTime;
  const { generation } = pod.metadata;
  const set = {
    lastProbeTime: null as unknown as string,
    lastTransitionTime: isSame || timestamp(Date.now()),
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    ...condition,
  };
  if (at < 0) conditions.push(set);
  else conditions[at] = set;
  status.conditions = conditions;
}

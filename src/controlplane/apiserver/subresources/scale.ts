/**
 * The scale subresource: an autoscaling/v1 Scale that is read from an object and written into it. The
 * endpoint is one of Scales, so that every verb and every form of patch works on it as on any kind.
 */
import type { V1LabelSelector } from "@kubernetes/client-node";
import { columns } from "../printing/columns/column.ts";
import { ageColumn } from "../printing/columns/column.ts";
import { selectorText } from "../printing/columns/format.ts";
import { group, type ApiObject, type Resource } from "../resources/resource.ts";
import type { RequestContext } from "../context.ts";
import { trackUpdate } from "../patch/managed_fields.ts";
import { writeOptions } from "../request/options.ts";
import type { SubresourceHandlers } from "../routes.ts";
import { invalid } from "../status.ts";
import type { Change, Registry, WriteRequest, Written } from "../storage/registry.ts";
import { causesOf } from "../validation/causes.ts";
import type { Endpoint } from "../verbs/endpoint.ts";
import { get } from "../verbs/read.ts";
import { inVersion, toStored } from "../verbs/convert.ts";
import { manager, patch, update } from "../verbs/write.ts";

/** Where an object keeps what a Scale says; paths are its fields' names. */
export interface ScaleShape {
  readonly replicas: readonly string[];
  readonly statusReplicas: readonly string[];
  /** The selector of its pods as text; "" where it has none. */
  readonly selector: (object: ApiObject) => string;
}

interface Scale extends ApiObject {
  spec: { replicas?: number };
}

const scaleResource: Resource = group("autoscaling", [
  {
    plural: "scales",
    kind: "Scale",
    columns: columns<Scale & { status: { replicas?: number } }>(
      { name: "Name", about: "V1ObjectMeta#name", cell: ({ metadata }) => metadata?.name },
      { name: "Desired", type: "integer", about: "V1ScaleSpec#replicas", cell: ({ spec }) => spec?.replicas },
      { name: "Available", type: "integer", about: "V1ScaleStatus#replicas", cell: ({ status }) => status?.replicas },
      ageColumn,
    ),
  },
])[0]!;

const builtInShape: Pick<ScaleShape, "replicas" | "statusReplicas"> = {
  replicas: ["spec", "replicas"],
  statusReplicas: ["status", "replicas"],
};

/** apps/v1: a label selector. */
const workload: ScaleShape = {
  ...builtInShape,
  selector: ({ spec }) => selectorText((spec as { selector?: V1LabelSelector } | undefined)?.selector),
};

/** Replication controllers: labels alone. */
const replicationController: ScaleShape = {
  ...builtInShape,
  selector({ spec }) {
    const labels = (spec as { selector?: Record<string, string> } | undefined)?.selector;
    return selectorText(labels && { matchLabels: labels });
  },
};

/** apiextensions.k8s.io/v1 CustomResourceSubresourceScale. */
export interface CustomScale {
  readonly specReplicasPath: string;
  readonly statusReplicasPath: string;
  readonly labelSelectorPath?: string;
}

/** The shape of a custom resource; its paths are simple: ".spec.replicas". */
export function customShape({ specReplicasPath, statusReplicasPath, labelSelectorPath }: CustomScale): ScaleShape {
  const fields = (path: string): string[] => path.split(".").filter((field) => field !== "");
  const selector = labelSelectorPath === undefined ? undefined : fields(labelSelectorPath);
  return {
    replicas: fields(specReplicasPath),
    statusReplicas: fields(statusReplicasPath),
    selector(object) {
      const text = selector && valueAt(object, selector);
      return typeof text === "string" ? text : "";
    },
  };
}

export const builtInScales: SubresourceHandlers = new Map([
  ["deployments.apps/scale", scaleHandlers(workload)],
  ["replicasets.apps/scale", scaleHandlers(workload)],
  ["statefulsets.apps/scale", scaleHandlers(workload)],
  ["replicationcontrollers/scale", scaleHandlers(replicationController)],
]);

export function scaleHandlers(shape: ScaleShape) {
  const on =
    (verb: typeof get): typeof get =>
    (endpoint, context) =>
      verb(scaleEndpoint(endpoint, shape, context), context);
  return { get: on(get), update: on(update), patch: on(patch) };
}

function scaleEndpoint(endpoint: Endpoint, shape: ScaleShape, context: RequestContext): Endpoint {
  const { registry, resource } = endpoint;
  const scales: Pick<Registry, "get" | "update" | "cache" | "resource"> = {
    resource: scaleResource,
    cache: registry.cache,
    get: async (namespace, name) => asScale(await registry.get(namespace, name), shape),
    async update(namespace: string, name: string, change: Change, request: WriteRequest) {
      const changed = async (object: ApiObject): Promise<ApiObject> => {
        const before = inVersion(endpoint, structuredClone(object));
        const scale = (await change(scaleOf(object, shape))) as Scale;
        applyScale(object, scale, shape);
        const next = inVersion(endpoint, object);
        trackUpdate(endpoint, before, next, manager(context, writeOptions(context.query)), "scale");
        return toStored(endpoint, next);
      };
      return asScale(await registry.update(namespace, name, changed, request), shape);
    },
  };
  const version = { ...scaleResource.versions[0], model: "V1Scale" };
  const named = { ...scaleResource, namespaced: resource.namespaced };
  return { resource: named, version, registry: scales as Registry };
}

function asScale({ object }: Written, shape: ScaleShape): Written {
  const scale = scaleOf(object, shape);
  return { object: scale, bytes: Buffer.from(JSON.stringify(scale)) };
}

export function scaleOf(object: ApiObject, shape: ScaleShape): Scale {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  const metadata = JSON.parse(JSON.stringify({ name, namespace, uid, resourceVersion, creationTimestamp })) as object;
  const selector = shape.selector(object);
  return {
    kind: "Scale",
    apiVersion: "autoscaling/v1",
    metadata,
    spec: { replicas: numberAt(object, shape.replicas) },
    status: { replicas: numberAt(object, shape.statusReplicas), ...(selector === "" ? {} : { selector }) },
  };
}

/** @throws ApiError 422 */
function applyScale(object: ApiObject, scale: Scale, shape: ScaleShape): void {
  const replicas = scale.spec?.replicas ?? 0;
  const causes = causesOf((out) => out.nonNegative("spec.replicas", replicas));
  if (causes.length > 0) throw invalid(scaleResource, object.metadata.name ?? "", causes);
  const { resourceVersion, uid } = scale.metadata;
  // What the client has seen must be what is changed; where it says nothing, anything is.
  if (resourceVersion) object.metadata.resourceVersion = resourceVersion;
  if (uid) object.metadata.uid = uid;
  setAt(object, shape.replicas, replicas);
}

function valueAt(object: ApiObject, path: readonly string[]): unknown {
  let value: unknown = object;
  for (const field of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, field)) return undefined;
    value = (value as Record<string, unknown>)[field];
  }
  return value;
}

function numberAt(object: ApiObject, path: readonly string[]): number {
  const value = valueAt(object, path);
  return typeof value === "number" ? value : 0;
}

function setAt(object: ApiObject, path: readonly string[], value: number): void {
  let holder: Record<string, unknown> = object;
  for (const field of path.slice(0, -1)) {
    if (!Object.hasOwn(holder, field) || typeof holder[field] !== "object") holder[field] = {};
    holder = holder[field] as Record<string, unknown>;
  }
  holder[path.at(-1)!] = value;
}

/**
 * HorizontalPodAutoscalers of autoscaling/v1 ⇄ v2 (pkg/apis/autoscaling/v1/conversion.go): the older
 * version has one target of its own, cpu, and carries the rest in annotations.
 */
import type {
  V1HorizontalPodAutoscalerSpec,
  V2HorizontalPodAutoscalerSpec,
  V2MetricSpec,
} from "@kubernetes/client-node";
import type { ApiObject, Version } from "../resources/resource.ts";
import { partOf, type Json } from "../validation/json.ts";

type Metric = Json<V2MetricSpec>;

const annotation = {
  metrics: "autoscaling.alpha.kubernetes.io/metrics",
  currentMetrics: "autoscaling.alpha.kubernetes.io/current-metrics",
  conditions: "autoscaling.alpha.kubernetes.io/conditions",
  behavior: "autoscaling.alpha.kubernetes.io/behavior",
} as const;

/** The one metric that the older version has a field for. */
function isCpuUtilization({ type, resource }: Metric): boolean {
  return type === "Resource" && resource?.name === "cpu" && resource.target?.averageUtilization !== undefined;
}

function parsed(text: string | undefined): unknown {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    // As upstream: an annotation that does not parse says nothing.
    return undefined;
  }
}

export const autoscalingV1: NonNullable<Version["convert"]> = {
  toStored(object: ApiObject): ApiObject {
    const { targetCPUUtilizationPercentage: percent, ...spec } = partOf<V1HorizontalPodAutoscalerSpec>(object, "spec");
    const annotations = { ...object.metadata.annotations };
    const others = parsed(annotations[annotation.metrics]);
    const behavior = parsed(annotations[annotation.behavior]);
    for (const name of Object.values(annotation)) delete annotations[name];
    const metrics: Metric[] = Array.isArray(others) ? (others as Metric[]) : [];
    if (percent !== undefined) {
      const target = { type: "Utilization", averageUtilization: percent };
      metrics.unshift({ type: "Resource", resource: { name: "cpu", target } });
    }
    const stored: ApiObject = { ...object, metadata: withAnnotations(object, annotations) };
    stored["spec"] = { ...spec, ...(metrics.length > 0 ? { metrics } : {}), ...(behavior ? { behavior } : {}) };
    if (object["status"] !== undefined) stored["status"] = storedStatus(object["status"]);
    return stored;
  },

  fromStored(object: ApiObject): ApiObject {
    const { metrics = [], behavior, ...spec } = partOf<V2HorizontalPodAutoscalerSpec>(object, "spec");
    const cpu = metrics.find(isCpuUtilization);
    const others = metrics.filter((metric) => metric !== cpu);
    const annotations = { ...object.metadata.annotations };
    if (others.length > 0) annotations[annotation.metrics] = JSON.stringify(others);
    if (behavior) annotations[annotation.behavior] = JSON.stringify(behavior);
    const status = (object["status"] ?? {}) as Record<string, unknown>;
    const { conditions, currentMetrics, ...counts } = status;
    if (Array.isArray(conditions) && conditions.length > 0)
      annotations[annotation.conditions] = JSON.stringify(conditions);
    if (Array.isArray(currentMetrics) && currentMetrics.length > 0) {
      annotations[annotation.currentMetrics] = JSON.stringify(currentMetrics);
    }
    const percent = cpu?.resource?.target?.averageUtilization;
    const shown: ApiObject = { ...object, metadata: withAnnotations(object, annotations) };
    shown["spec"] = { ...spec, ...(percent === undefined ? {} : { targetCPUUtilizationPercentage: percent }) };
    const current = (currentMetrics as Metric[] | null | undefined)?.find(({ resource }) => resource?.name === "cpu");
    const utilization = (current?.resource as { current?: { averageUtilization?: number } } | undefined)?.current;
    shown["status"] = {
      currentReplicas: 0,
      ...counts,
      ...(utilization?.averageUtilization === undefined
        ? {}
        : { currentCPUUtilizationPercentage: utilization.averageUtilization }),
    };
    return shown;
  },
};

function withAnnotations(object: ApiObject, annotations: Record<string, string>): ApiObject["metadata"] {
  const { annotations: _, ...metadata } = object.metadata;
  return Object.keys(annotations).length > 0 ? { ...metadata, annotations } : metadata;
}

function storedStatus(status: unknown): object {
  const { currentCPUUtilizationPercentage: percent, ...rest } = status as Record<string, unknown>;
  if (percent === undefined) return rest;
  const current = { averageUtilization: percent };
  return { ...rest, currentMetrics: [{ type: "Resource", resource: { name: "cpu", current } }] };
}

/** Horizontal pod autoscalers: each metric as "current/target" (upstream's formatHPAMetrics). */
import type { V2HorizontalPodAutoscaler, V2MetricSpec, V2MetricStatus } from "@kubernetes/client-node";
import { ageColumn, columns, nameColumn, type Wire } from "./column.ts";
import { cutList, none, unknown, unset } from "./format.ts";

export const autoscalerColumns = columns<V2HorizontalPodAutoscaler>(
  nameColumn,
  {
    name: "Reference",
    about: "V2HorizontalPodAutoscalerSpec#scaleTargetRef",
    cell: ({ spec }) => `${spec?.scaleTargetRef?.kind ?? ""}/${spec?.scaleTargetRef?.name ?? ""}`,
  },
  { name: "Targets", about: "V2HorizontalPodAutoscalerSpec#metrics", cell: metrics },
  {
    name: "MinPods",
    about: "V2HorizontalPodAutoscalerSpec#minReplicas",
    cell: ({ spec }) => (spec?.minReplicas === undefined ? unset : String(spec.minReplicas)),
  },
  {
    name: "MaxPods",
    about: "V2HorizontalPodAutoscalerSpec#maxReplicas",
    cell: ({ spec }) => spec?.maxReplicas ?? 0,
  },
  {
    name: "Replicas",
    about: "V2HorizontalPodAutoscalerStatus#currentReplicas",
    cell: ({ status }) => status?.currentReplicas ?? 0,
  },
  ageColumn,
);

const maxMetrics = 2;

function metrics({ spec, status }: Wire<V2HorizontalPodAutoscaler>): string {
  const specs = spec?.metrics ?? legacyMetrics(spec);
  if (specs.length === 0) return none;
  const texts = specs.map((metric, i) => metricText(metric, status?.currentMetrics?.[i]));
  return cutList(texts, maxMetrics, ", ");
}

/** autoscaling/v1 has one metric, and says it in a field of its own. */
function legacyMetrics(spec: object | undefined): Wire<V2MetricSpec>[] {
  const utilization = (spec as { targetCPUUtilizationPercentage?: number } | undefined)?.targetCPUUtilizationPercentage;
  if (utilization === undefined) return [];
  const target = { type: "Utilization", averageUtilization: utilization };
  return [{ type: "Resource", resource: { name: "cpu", target } }];
}

function metricText(spec: Wire<V2MetricSpec>, status: Wire<V2MetricStatus> | undefined): string {
  switch (spec.type) {
    case "Resource":
      return ofResource(spec.resource, status?.resource);
    case "ContainerResource":
      return ofResource(spec.containerResource, status?.containerResource);
    case "Pods":
      return `${status?.pods?.current?.averageValue ?? unknown}/${spec.pods?.target?.averageValue ?? ""}`;
    case "Object":
      return ofValue(spec.object?.target, status?.object?.current);
    case "External":
      return ofValue(spec.external?.target, status?.external?.current);
    default:
      return "<unknown type>";
  }
}

interface Target {
  readonly averageUtilization?: number | undefined;
  readonly averageValue?: string | undefined;
  readonly value?: string | undefined;
}

type OfResource = { readonly name?: string | undefined; readonly target?: Target | undefined } | undefined;

function ofResource(spec: OfResource, status: { readonly current?: Target | undefined } | undefined): string {
  const { target } = spec ?? {};
  if (target?.averageValue !== undefined) {
    return `${spec!.name}: ${status?.current?.averageValue ?? unknown}/${target.averageValue}`;
  }
  const wanted = target?.averageUtilization === undefined ? "<auto>" : `${target.averageUtilization}%`;
  const current = status?.current?.averageUtilization;
  return `${spec?.name ?? ""}: ${current === undefined ? unknown : `${current}%`}/${wanted}`;
}

function ofValue(target: Target | undefined, current: Target | undefined): string {
  if (target?.averageValue !== undefined) return `${current?.averageValue ?? unknown}/${target.averageValue} (avg)`;
  return `${current?.value ?? unknown}/${target?.value ?? ""}`;
}

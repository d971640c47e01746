/** HorizontalPodAutoscalers, stored as v2 (pkg/apis/autoscaling). */
import type {
  V2HPAScalingRules,
  V2HorizontalPodAutoscalerSpec,
  V2MetricSpec,
  V2MetricTarget,
} from "@kubernetes/client-node";
import type { Strategy } from "../resources/resource.ts";
import { causesOf, type Causes } from "../validation/causes.ts";
import { validateName } from "../validation/common.ts";
import { ensurePart, partOf, type Json } from "../validation/json.ts";
import { validateSelector } from "../validation/labels.ts";
import { dns1123Label, pathSegment } from "../validation/names.ts";
import { validateContainerResourceName } from "../validation/resources.ts";
import { nanos } from "../../../model/quantity.ts";

type HpaSpec = Json<V2HorizontalPodAutoscalerSpec>;
type Rules = Json<V2HPAScalingRules>;

const utilization = 80;
/** As fast up as makes sense: by four pods or to the double, each quarter of a minute. */
const upPolicies = [
  { type: "Pods", value: 4, periodSeconds: 15 },
  { type: "Percent", value: 100, periodSeconds: 15 },
];
const downPolicies = [{ type: "Percent", value: 100, periodSeconds: 15 }];

export const horizontalPodAutoscaler: Strategy = {
  defaults(object) {
    const spec: HpaSpec = ensurePart<V2HorizontalPodAutoscalerSpec>(object, "spec");
    spec.minReplicas ??= 1;
    // Of the older version the rest is in an annotation, and in its own field.
    if (object.apiVersion.endsWith("/v1")) return;
    if ((spec.metrics ?? []).length === 0) {
      spec.metrics = [
        {
          type: "Resource",
          resource: { name: "cpu", target: { type: "Utilization", averageUtilization: utilization } },
        },
      ];
    }
    if (!spec.behavior) return;
    spec.behavior.scaleUp = { stabilizationWindowSeconds: 0, ...rulesOf(spec.behavior.scaleUp, upPolicies) };
    spec.behavior.scaleDown = rulesOf(spec.behavior.scaleDown, downPolicies);
  },
  prepareCreate(object) {
    object["status"] = { desiredReplicas: 0, currentMetrics: null };
  },
  validateCreate: (object) =>
    causesOf((out) => validateAutoscaler(partOf<V2HorizontalPodAutoscalerSpec>(object, "spec"), out)),
  validateUpdate(object, _old, subresource) {
    return causesOf((out) => {
      if (subresource !== "status") {
        return validateAutoscaler(partOf<V2HorizontalPodAutoscalerSpec>(object, "spec"), out);
      }
      const status = partOf<Record<string, number>>(object, "status");
      for (const field of ["currentReplicas", "desiredReplicas"]) out.nonNegative(`status.${field}`, status[field]);
    });
  },
};

function rulesOf(
  rules: Rules | undefined,
  policies: readonly { type: string; value: number; periodSeconds: number }[],
): Rules {
  return { selectPolicy: "Max", policies: policies.map((policy) => ({ ...policy })), ...rules };
}

function validateAutoscaler(spec: HpaSpec, out: Causes): void {
  const { minReplicas, maxReplicas = 0, scaleTargetRef, metrics = [], behavior } = spec;
  if (minReplicas !== undefined && minReplicas < 1) {
    out.invalid("spec.minReplicas", minReplicas, "must be greater than or equal to 1");
  }
  if (maxReplicas < 1) out.invalid("spec.maxReplicas", maxReplicas, "must be greater than 0");
  if (minReplicas !== undefined && maxReplicas < minReplicas) {
    out.invalid("spec.maxReplicas", maxReplicas, "must be greater than or equal to `minReplicas`");
  }
  validateReference(scaleTargetRef ?? {}, "spec.scaleTargetRef", out);
  for (const [i, metric] of metrics.entries()) validateMetric(metric, `spec.metrics[${i}]`, out);
  if (behavior?.scaleUp) validateRules(behavior.scaleUp, "spec.behavior.scaleUp", out);
  if (behavior?.scaleDown) validateRules(behavior.scaleDown, "spec.behavior.scaleDown", out);
}

function validateReference(
  ref: { kind?: string | undefined; name?: string | undefined },
  path: string,
  out: Causes,
): void {
  validateName(ref.kind, `${path}.kind`, pathSegment, out);
  validateName(ref.name, `${path}.name`, pathSegment, out);
}

/** In the order in which upstream takes the first of several. */
const sources = ["object", "external", "pods", "resource", "containerResource"] as const;
type Source = (typeof sources)[number];
const sourceTypes = ["ContainerResource", "External", "Object", "Pods", "Resource"];

function validateMetric(metric: Json<V2MetricSpec>, path: string, out: Causes): void {
  const { type = "" } = metric;
  const isKnown = sourceTypes.includes(type);
  if (type === "") out.required(`${path}.type`, "must specify a metric source type");
  if (!isKnown) out.notSupported(`${path}.type`, type, sourceTypes);
  const present = sources.filter((source) => metric[source]);
  const [first] = present;
  if (first) validateSource(metric, first, `${path}.${first}`, out);
  const expected = type.charAt(0).toLowerCase() + type.slice(1);
  // Upstream says so twice.
  if (!isKnown) out.notSupported(`${path}.type`, type, sourceTypes);
  else if (!present.includes(expected as Source)) {
    out.required(`${path}.${expected}`, "must populate information for the given metric source");
  }
  if (present.length === 1) return;
  for (const other of present) {
    if (other !== expected) out.forbidden(`${path}.${other}`, "must populate the given metric source only");
  }
}

function validateSource(metric: Json<V2MetricSpec>, source: Source, path: string, out: Causes): void {
  const { object, pods, external } = metric;
  if (source === "resource" || source === "containerResource") return validateResource(metric, source, path, out);
  if (source === "object") validateReference(object?.describedObject ?? {}, `${path}.describedObject`, out);
  const named = object ?? external ?? pods;
  validateName(named?.metric?.name, `${path}.metric.name`, pathSegment, out);
  validateSelector(named?.metric?.selector, `${path}.metric.selector`, out);
  const target = named?.target ?? {};
  validateTarget(target, `${path}.target`, out);
  const { value, averageValue } = target;
  const words = {
    object: "must set either a target value or averageValue",
    external: "must set either a target value for metric or a per-pod target",
    pods: "must specify a positive target averageValue",
  }[source];
  if (averageValue === undefined && (source === "pods" || value === undefined)) {
    out.required(`${path}.target.averageValue`, words);
  }
  if (source === "external" && value !== undefined && averageValue !== undefined) {
    out.forbidden(`${path}.target.value`, "may not set both a target value for metric and a per-pod target");
  }
}

function validateResource(
  { resource, containerResource }: Json<V2MetricSpec>,
  source: "resource" | "containerResource",
  path: string,
  out: Causes,
): void {
  const { name, target = {} } = (source === "resource" ? resource : containerResource) ?? {};
  if (!name) out.required(`${path}.name`, "must specify a resource name");
  else validateContainerResourceName(name, `${path}.name`, out);
  if (source === "containerResource") {
    const container = containerResource?.container;
    if (!container) out.required(`${path}.container`, "must specify a container");
    else out.invalidEach(`${path}.container`, container, dns1123Label(container));
  }
  validateTarget(target, `${path}.target`, out);
  const { averageUtilization, averageValue } = target;
  if (averageUtilization === undefined && averageValue === undefined) {
    const words = "must set either a target raw value or a target utilization";
    out.required(`${path}.target.averageUtilization`, words);
  }
  if (averageUtilization !== undefined && averageValue !== undefined) {
    const words = "may not set both a target raw value and a target utilization";
    out.forbidden(`${path}.target.averageValue`, words);
  }
}

const targetTypes = ["AverageValue", "Utilization", "Value"];

function validateTarget(target: Json<V2MetricTarget>, path: string, out: Causes): void {
  const { type, value, averageValue, averageUtilization } = target;
  if (!type) out.required(`${path}.type`, "must specify a metric target type");
  if (!targetTypes.includes(type ?? "")) {
    out.invalid(`${path}.type`, type ?? "", "must be either Utilization, Value, or AverageValue");
  }
  for (const [field, amount] of [
    ["value", value],
    ["averageValue", averageValue],
  ] as const) {
    if (amount !== undefined && nanos(amount) <= 0n) out.invalid(`${path}.${field}`, amount, "must be positive");
  }
  if (averageUtilization !== undefined && averageUtilization < 1) {
    out.invalid(`${path}.averageUtilization`, averageUtilization, "must be greater than 0");
  }
}

const maxWindow = 3600;
const maxPeriod = 1800;

function validateRules(rules: Rules, path: string, out: Causes): void {
  const { stabilizationWindowSeconds: window, selectPolicy, policies = [] } = rules;
  if (window !== undefined && window < 0) {
    out.invalid(`${path}.stabilizationWindowSeconds`, window, "must be greater than or equal to zero");
  }
  if (window !== undefined && window > maxWindow) {
    out.invalid(`${path}.stabilizationWindowSeconds`, window, `must be less than or equal to ${maxWindow}`);
  }
  if (selectPolicy !== undefined && !["Disabled", "Max", "Min"].includes(selectPolicy)) {
    out.notSupported(`${path}.selectPolicy`, selectPolicy, ["Disabled", "Max", "Min"]);
  }
  if (policies.length === 0) out.required(`${path}.policies`, "must specify at least one Policy");
  for (const [i, { type = "", value = 0, periodSeconds = 0 }] of policies.entries()) {
    const at = `${path}.policies[${i}]`;
    if (type !== "Pods" && type !== "Percent") out.notSupported(`${at}.type`, type, ["Percent", "Pods"]);
    if (value <= 0) out.invalid(`${at}.value`, value, "must be greater than zero");
    if (periodSeconds <= 0) out.invalid(`${at}.periodSeconds`, periodSeconds, "must be greater than zero");
    if (periodSeconds > maxPeriod) {
      out.invalid(`${at}.periodSeconds`, periodSeconds, `must be less than or equal to ${maxPeriod}`);
    }
  }
}

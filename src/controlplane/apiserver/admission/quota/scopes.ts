/** Which pods and claims a quota is about (ResourceQuota's scopes and scopeSelector). Pure. */
import type { ApiObject } from "../../resources/resource.ts";
import { nanos } from "../../../../model/quantity.ts";
import { specOf, type PodSpec } from "../pod_spec.ts";

export interface QuotaSpec {
  readonly hard?: Readonly<Record<string, string>>;
  readonly scopes?: readonly string[];
  readonly scopeSelector?: { readonly matchExpressions?: readonly ScopeExpression[] };
}

interface ScopeExpression {
  readonly scopeName: string;
  readonly operator: string;
  readonly values?: readonly string[];
}

/** Whether a quota is about the object: all its scopes hold. Pods have some, and claims have one. */
export function matchesScopes(spec: QuotaSpec | undefined, plural: string, object: ApiObject): boolean {
  const expressions = [
    ...(spec?.scopes ?? []).map((scopeName): ScopeExpression => ({ scopeName, operator: "Exists" })),
    ...(spec?.scopeSelector?.matchExpressions ?? []),
  ];
  if (expressions.length === 0) return true;
  if (plural === "persistentvolumeclaims") return expressions.every((expression) => holdsOfClaim(expression, object));
  return plural === "pods" && expressions.every((expression) => holds(expression, specOf(object)));
}

function holds({ scopeName, operator, values = [] }: ScopeExpression, spec: PodSpec): boolean {
  switch (scopeName) {
    case "Terminating":
      return spec.activeDeadlineSeconds !== undefined;
    case "NotTerminating":
      return spec.activeDeadlineSeconds === undefined;
    case "BestEffort":
      return isBestEffort(spec);
    case "NotBestEffort":
      return !isBestEffort(spec);
    case "CrossNamespacePodAffinity":
      return crossesNamespaces(spec.affinity);
    case "PriorityClass":
      return matchesName(operator, values, spec.priorityClassName ?? "");
    default:
      return false;
  }
}

interface Claim {
  spec?: { volumeAttributesClassName?: string };
  status?: {
    currentVolumeAttributesClassName?: string;
    modifyVolumeStatus?: { targetVolumeAttributesClassName?: string };
  };
}

/** A claim whose class changes has two: it counts for both until it is done (KEP-3751). */
function holdsOfClaim({ scopeName, operator, values = [] }: ScopeExpression, object: ApiObject): boolean {
  if (scopeName !== "VolumeAttributesClass") return false;
  const { spec, status } = object as Claim;
  const names = [
    spec?.volumeAttributesClassName,
    status?.currentVolumeAttributesClassName,
    status?.modifyVolumeStatus?.targetVolumeAttributesClassName,
  ].filter((name) => name !== undefined && name !== "");
  if (names.length === 0) return matchesName(operator, values, "");
  return names.some((name) => matchesName(operator, values, name!));
}

function matchesName(operator: string, values: readonly string[], name: string): boolean {
  switch (operator) {
    case "Exists":
      return name !== "";
    case "DoesNotExist":
      return name === "";
    case "In":
      return name !== "" && values.includes(name);
    case "NotIn":
      return !values.includes(name);
    default:
      return false;
  }
}

/** No container asks for CPU or memory, or is bounded in them. */
function isBestEffort(spec: PodSpec): boolean {
  const parts = [spec, ...(spec.containers ?? []), ...(spec.initContainers ?? [])].flatMap(({ resources }) => [
    resources?.requests,
    resources?.limits,
  ]);
  return parts.every((list) => nanos(list?.["cpu"]) === 0n && nanos(list?.["memory"]) === 0n);
}

function crossesNamespaces(affinity: PodSpec["affinity"]): boolean {
  const terms: { namespaces?: unknown[]; namespaceSelector?: unknown }[] = [];
  for (const side of ["podAffinity", "podAntiAffinity"]) {
    const rules = (affinity?.[side] ?? {}) as Record<string, Record<string, unknown>[] | undefined>;
    terms.push(...(rules["requiredDuringSchedulingIgnoredDuringExecution"] ?? []));
    const preferred = rules["preferredDuringSchedulingIgnoredDuringExecution"] ?? [];
    terms.push(...preferred.map((term) => term["podAffinityTerm"] ?? {}));
  }
  return terms.some(
    ({ namespaces, namespaceSelector }) => (namespaces ?? []).length > 0 || namespaceSelector !== undefined,
  );
}

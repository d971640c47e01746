/** LimitRanges and ResourceQuotas (pkg/apis/core). */
import type {
  V1LimitRangeItem,
  V1LimitRangeSpec,
  V1ResourceQuotaSpec,
  V1ResourceQuotaStatus,
} from "@kubernetes/client-node";
import type { ApiObject, Strategy } from "../resources/resource.ts";
import { causesOf, type Causes } from "../validation/causes.ts";
import { fieldImmutable } from "../validation/common.ts";
import { partOf, type Json } from "../validation/json.ts";
import { qualifiedName } from "../validation/names.ts";
import { canonicalMilli, canonicalQuantity, nanos } from "../../../model/quantity.ts";
import {
  isOvercommitAllowed,
  isStandardQuotaResource,
  validateAmount,
  validateContainerResourceName,
  validateQuotaResourceName,
  validateResourceName,
  type ResourceList,
} from "../validation/resources.ts";

type LimitRangeItem = Json<V1LimitRangeItem>;

const lists = ["max", "min", "default", "defaultRequest", "maxLimitRequestRatio"] as const;

export const limitRange: Strategy = {
  defaults(object) {
    for (const item of partOf<V1LimitRangeSpec>(object, "spec").limits ?? []) {
      for (const list of lists) if (item[list]) roundUp(item[list]);
      if (item.type !== "Container") continue;
      const limits = { ...item.max, ...item.default };
      if (Object.keys(limits).length > 0) item.default = limits;
      const requests = { ...item.min, ...limits, ...item.defaultRequest };
      if (Object.keys(requests).length > 0) item.defaultRequest = requests;
    }
  },
  validateCreate: (object) => causesOf((out) => validateLimitRange(object, out)),
  validateUpdate: (object) => causesOf((out) => validateLimitRange(object, out)),
};

function roundUp(list: ResourceList): void {
  for (const [name, amount] of Object.entries(list)) list[name] = canonicalMilli(amount);
}

const limitTypes: readonly string[] = ["Pod", "Container", "PersistentVolumeClaim"];

function validateLimitRange(object: ApiObject, out: Causes): void {
  const seen = new Set<string>();
  for (const [i, item] of (partOf<V1LimitRangeSpec>(object, "spec").limits ?? []).entries()) {
    const path = `spec.limits[${i}]`;
    const { type = "" } = item;
    const messages = qualifiedName(type);
    out.invalidEach(`${path}.type`, type, messages);
    if (messages.length === 0 && !type.includes("/") && !limitTypes.includes(type)) {
      out.invalid(`${path}.type`, type, "must be a standard limit type or fully qualified");
    }
    if (seen.has(type)) out.duplicate(`${path}.type`, type);
    seen.add(type);
    validateLists(item, path, out);
    for (const name of new Set(lists.flatMap((list) => Object.keys(item[list] ?? {}))))
      validateOrder(item, name, path, out);
  }
}

function validateLists(item: LimitRangeItem, path: string, out: Causes): void {
  const isOfPods = item.type === "Pod" || item.type === "Container";
  for (const list of lists) {
    const names = Object.keys(item[list] ?? {});
    const isDefault = list === "default" || list === "defaultRequest";
    if (item.type === "Pod" && isDefault) {
      if (names.length > 0) out.forbidden(`${path}.${list}`, "may not be specified when `type` is 'Pod'");
      continue;
    }
    for (const name of names) {
      const at = `${path}.${list}[${name}]`;
      if (isOfPods) validateContainerResourceName(name, at, out);
      else validateResourceName(name, at, out);
    }
  }
  if (item.type !== "PersistentVolumeClaim") return;
  if (item.min?.["storage"] === undefined && item.max?.["storage"] === undefined) {
    out.required(`${path}.limits`, "either minimum or maximum storage value is required, but neither was provided");
  }
}

/** min ≤ defaultRequest ≤ default ≤ max, of one resource. */
function validateOrder(item: LimitRangeItem, name: string, path: string, out: Causes): void {
  const amount = (list: (typeof lists)[number]): string | undefined => item[list]?.[name];
  const [min, max, limit, request, ratio] = [
    amount("min"),
    amount("max"),
    amount("default"),
    amount("defaultRequest"),
    amount("maxLimitRequestRatio"),
  ];
  const above = (a: string | undefined, b: string | undefined): boolean =>
    a !== undefined && b !== undefined && nanos(a) > nanos(b);
  const refuse = (list: string, value: string, words: string): void =>
    out.invalid(`${path}.${list}[${name}]`, value, words);
  if (above(min, max)) refuse("min", min!, `min value ${min!} is greater than max value ${max!}`);
  if (above(min, request))
    refuse("defaultRequest", request!, `min value ${min!} is greater than default request value ${request!}`);
  if (above(request, max))
    refuse("defaultRequest", request!, `default request value ${request!} is greater than max value ${max!}`);
  if (above(request, limit))
    refuse(
      "defaultRequest",
      request!,
      `default request value ${request!} is greater than default limit value ${limit!}`,
    );
  if (above(min, limit)) refuse("default", min!, `min value ${min!} is greater than default value ${limit!}`);
  if (above(limit, max)) refuse("default", max!, `default value ${limit!} is greater than max value ${max!}`);
  if (ratio !== undefined) validateRatio(ratio, min, max, (words) => refuse("maxLimitRequestRatio", ratio, words));
  if (!isOvercommitAllowed(name) && limit !== undefined && request !== undefined && nanos(limit) !== nanos(request)) {
    refuse(
      "defaultRequest",
      request,
      `default value ${limit} must equal to defaultRequest value ${request} in ${name}`,
    );
  }
}

function validateRatio(
  ratio: string,
  min: string | undefined,
  max: string | undefined,
  refuse: (words: string) => void,
): void {
  const whole = 1_000_000_000;
  if (Number(nanos(ratio)) < whole) refuse(`ratio ${ratio} is less than 1`);
  if (min === undefined || max === undefined) return;
  const most = Number(nanos(max)) / Number(nanos(min));
  if (Number(nanos(ratio)) / whole > most) refuse(`ratio ${ratio} is greater than max/min = ${most.toFixed(6)}`);
}

type QuotaSpec = Json<V1ResourceQuotaSpec>;

export const resourceQuota: Strategy = {
  defaults(object) {
    const { hard } = partOf<V1ResourceQuotaSpec>(object, "spec");
    if (hard) roundUp(hard);
  },
  prepareCreate(object) {
    object["status"] = {};
  },
  validateCreate: (object) => causesOf((out) => validateQuota(partOf<V1ResourceQuotaSpec>(object, "spec"), out)),
  validateUpdate(object, old, subresource) {
    return causesOf((out) => {
      if (subresource === "status") {
        const { hard, used } = partOf<V1ResourceQuotaStatus>(object, "status");
        validateAmounts(hard, "status.hard", out);
        return validateAmounts(used, "status.used", out);
      }
      const spec = partOf<V1ResourceQuotaSpec>(object, "spec");
      validateQuota(spec, out);
      const scopes = [...(spec.scopes ?? [])].sort();
      const before = [...(partOf<V1ResourceQuotaSpec>(old, "spec").scopes ?? [])].sort();
      if (scopes.join() !== before.join()) out.invalid("spec.scopes", spec.scopes, fieldImmutable);
    });
  },
};

function validateAmounts(list: ResourceList | undefined, path: string, out: Causes): void {
  for (const [name, amount] of Object.entries(list ?? {})) {
    validateQuotaResourceName(name, `${path}[${name}]`, out);
    validateAmount(name, canonicalQuantity(amount), `${path}[${name}]`, out);
  }
}

const podScopes: readonly string[] = [
  "Terminating",
  "NotTerminating",
  "BestEffort",
  "NotBestEffort",
  "CrossNamespacePodAffinity",
];
const standardScopes: readonly string[] = [...podScopes, "PriorityClass", "VolumeAttributesClass"];
const computeResources = /^(cpu|memory|pods|(requests|limits)\.(cpu|memory))$/;

function isScopeOf(scope: string, name: string): boolean {
  if (scope === "BestEffort") return name === "pods";
  if (scope === "VolumeAttributesClass") return name === "persistentvolumeclaims" || name === "requests.storage";
  return computeResources.test(name) || name.startsWith("hugepages-") || name.startsWith("requests.hugepages-");
}

function validateQuota(spec: QuotaSpec, out: Causes): void {
  validateAmounts(spec.hard, "spec.hard", out);
  const names = Object.keys(spec.hard ?? {}).filter(isStandardQuotaResource);
  for (const scope of spec.scopes ?? []) {
    if (!standardScopes.includes(scope)) out.invalid("spec.scopes", spec.scopes, "unsupported scope");
    for (const name of names) {
      if (!isScopeOf(scope, name)) out.invalid("spec.scopes", spec.scopes, "unsupported scope applied to resource");
    }
  }
  validateConflicts(spec.scopes ?? [], "spec.scopes", spec, out);
  if (spec.scopeSelector) validateScopeSelector(spec, names, out);
}

function validateConflicts(scopes: readonly string[], path: string, spec: QuotaSpec, out: Causes): void {
  for (const [a, b] of [
    ["BestEffort", "NotBestEffort"],
    ["Terminating", "NotTerminating"],
  ] as const) {
    if (scopes.includes(a) && scopes.includes(b)) out.invalid(path, spec.scopes, "conflicting scopes");
  }
}

const existsWords =
  "must be 'Exists' when scope is any of ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity";

function validateScopeSelector(spec: QuotaSpec, names: readonly string[], out: Causes): void {
  const path = "spec.scopeSelector.matchExpressions";
  const expressions = spec.scopeSelector?.matchExpressions ?? [];
  for (const { scopeName = "", operator = "", values = [] } of expressions) {
    if (!standardScopes.includes(scopeName)) out.invalid(`${path}.scopeName`, scopeName, "unsupported scope");
    for (const name of names) {
      if (!isScopeOf(scopeName, name)) out.invalid(path, spec.scopeSelector, "unsupported scope applied to resource");
    }
    if (podScopes.includes(scopeName) && operator !== "Exists") out.invalid(`${path}.operator`, operator, existsWords);
    if (operator === "In" || operator === "NotIn") {
      const words = "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector";
      if (values.length === 0) out.required(`${path}.values`, words);
    } else if (operator === "Exists" || operator === "DoesNotExist") {
      const words = "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector";
      if (values.length > 0) out.invalid(`${path}.values`, values, words);
    } else out.invalid(`${path}.operator`, operator, "not a valid selector operator");
  }
  validateConflicts(
    expressions.map(({ scopeName = "" }) => scopeName),
    path,
    spec,
    out,
  );
}

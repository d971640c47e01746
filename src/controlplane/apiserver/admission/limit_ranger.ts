/** LimitRanger: a namespace's defaults and bounds for containers, pods and claims (plugin/pkg/admission/limitranger). */
import type { Lookup } from "../auth/lookup.ts";
import type { ApiObject } from "../resources/resource.ts";
import { formatQuantity, nanos, parseQuantity } from "../../../model/quantity.ts";
import type { AdmissionPlugin, AdmissionRequest } from "./admission.ts";
import { amounts, podAmounts, type Amounts } from "./limits.ts";
import { specOf, type Container, type ResourceList } from "./pod_spec.ts";
import { createsPod, isAbout, refused, together } from "./refusal.ts";

interface LimitRangeItem {
  readonly type: string;
  readonly max?: ResourceList;
  readonly min?: ResourceList;
  readonly default?: ResourceList;
  readonly defaultRequest?: ResourceList;
  readonly maxLimitRequestRatio?: ResourceList;
}

const annotation = "kubernetes.io/limit-ranger";

export class LimitRanger implements AdmissionPlugin {
  readonly name = "LimitRanger";
  readonly #lookup: Lookup;

  constructor(lookup: Lookup) {
    this.#lookup = lookup;
  }

  admit(request: AdmissionRequest): void {
    if (!createsPod(request)) return;
    const limits: ResourceList = {};
    const requests: ResourceList = {};
    for (const item of this.#items(request)) {
      if (item.type !== "Container") continue;
      Object.assign(limits, { ...item.default, ...limits });
      Object.assign(requests, { ...item.defaultRequest, ...requests });
    }
    setDefaults(request.object!, requests, limits);
  }

  validate(request: AdmissionRequest): void {
    const isResize = request.resource.plural === "pods" && request.subresource === "resize";
    const isClaim = request.operation !== "DELETE" && isAbout(request, "", "persistentvolumeclaims");
    if (!createsPod(request) && !isResize && !isClaim) return;
    const check = isClaim ? claimObjections : podObjections;
    const objections = this.#items(request).flatMap((item) => check(item, request.object!));
    if (objections.length > 0) throw refused(request, together(objections));
  }

  #items({ namespace }: AdmissionRequest): LimitRangeItem[] {
    return this.#lookup
      .list("limitranges", namespace)
      .flatMap((range) => (range["spec"] as { limits?: LimitRangeItem[] } | undefined)?.limits ?? []);
  }
}

function setDefaults(pod: ApiObject, requests: ResourceList, limits: ResourceList): void {
  const spec = specOf(pod);
  const notes: string[] = [];
  const kinds = [
    ["container", spec.containers],
    ["init container", spec.initContainers],
  ] as const;
  for (const [kind, containers] of kinds) {
    for (const container of containers ?? []) {
      notes.push(
        ...setMissing(container, "requests", requests, kind),
        ...setMissing(container, "limits", limits, kind),
      );
    }
  }
  if (notes.length === 0) return;
  pod.metadata.annotations = {
    ...pod.metadata.annotations,
    [annotation]: `LimitRanger plugin set: ${notes.join("; ")}`,
  };
}

/** @returns what was set, as the annotation tells it */
function setMissing(container: Container, part: "requests" | "limits", defaults: ResourceList, kind: string): string[] {
  const had = container.resources?.[part] ?? {};
  const missing = Object.entries(defaults).filter(([name]) => had[name] === undefined);
  if (missing.length === 0) return [];
  container.resources = { ...container.resources, [part]: { ...had, ...Object.fromEntries(missing) } };
  const names = missing.map(([name]) => name).sort();
  return [`${names.join(", ")} ${part.slice(0, -1)} for ${kind} ${container.name}`];
}

function podObjections(item: LimitRangeItem, pod: ApiObject): string[] {
  const spec = specOf(pod);
  if (item.type === "Container") {
    const containers = [...(spec.containers ?? []), ...(spec.initContainers ?? [])];
    return containers.flatMap(({ resources }) =>
      objections(item, amounts(resources?.requests), amounts(resources?.limits)),
    );
  }
  if (item.type !== "Pod") return [];
  return objections(item, podAmounts(spec, "requests"), podAmounts(spec, "limits"));
}

function claimObjections(item: LimitRangeItem, claim: ApiObject): string[] {
  if (item.type !== "PersistentVolumeClaim") return [];
  const { resources } = (claim["spec"] ?? {}) as { resources?: { requests?: ResourceList } };
  const requests = amounts(resources?.requests);
  const { max = {}, min = {}, type } = item;
  return [
    ...Object.entries(min).flatMap(([name, bound]) => minObjection(type, name, bound, requests.get(name), undefined)),
    // A claim has no limits: its request alone counts.
    ...Object.entries(max).flatMap(([name, bound]) => {
      const asked = requests.get(name);
      return asked !== undefined && asked > nanos(bound)
        ? [exceeds("maximum", type, name, bound, "request", asked)]
        : [];
    }),
  ];
}

function objections(
  { type, min = {}, max = {}, maxLimitRequestRatio = {} }: LimitRangeItem,
  requests: Amounts,
  limits: Amounts,
): string[] {
  return [
    ...Object.entries(min).flatMap(([name, bound]) =>
      minObjection(type, name, bound, requests.get(name), limits.get(name)),
    ),
    ...Object.entries(max).flatMap(([name, bound]) =>
      maxObjection(type, name, bound, requests.get(name), limits.get(name)),
    ),
    ...Object.entries(maxLimitRequestRatio).flatMap(([name, bound]) =>
      ratioObjection(type, name, bound, requests.get(name), limits.get(name)),
    ),
  ];
}

type Bound = string | number;

function minObjection(type: string, name: string, bound: Bound, request?: bigint, limit?: bigint): string[] {
  if (request === undefined) return [`minimum ${name} usage per ${type} is ${bound}.  No request is specified`];
  if (request < nanos(bound)) return [exceeds("minimum", type, name, bound, "request", request)];
  return limit !== undefined && limit < nanos(bound) ? [exceeds("minimum", type, name, bound, "limit", limit)] : [];
}

function maxObjection(type: string, name: string, bound: Bound, request?: bigint, limit?: bigint): string[] {
  if (limit === undefined) return [`maximum ${name} usage per ${type} is ${bound}.  No limit is specified`];
  if (limit > nanos(bound)) return [exceeds("maximum", type, name, bound, "limit", limit)];
  return request !== undefined && request > nanos(bound)
    ? [exceeds("maximum", type, name, bound, "request", request)]
    : [];
}

function ratioObjection(type: string, name: string, bound: Bound, request = 0n, limit = 0n): string[] {
  const words = `${name} max limit to request ratio per ${type} is ${bound}, but`;
  if (request === 0n) return [`${words} no request is specified or request is 0`];
  if (limit === 0n) return [`${words} no limit is specified or limit is 0`];
  const ratio = Number(limit) / Number(request);
  return ratio > Number(nanos(bound)) / 1e9 ? [`${words} provided ratio is ${ratio.toFixed(6)}`] : [];
}

function exceeds(which: string, type: string, name: string, bound: Bound, part: string, amount: bigint): string {
  const said = formatQuantity({ nanos: amount, format: parseQuantity(bound).format });
  return `${which} ${name} usage per ${type} is ${bound}, but ${part} is ${said}`;
}

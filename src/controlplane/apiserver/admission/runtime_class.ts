/** RuntimeClass: what a sandbox of a kind costs, and where it runs (KEP-688). */
import { isDeepStrictEqual } from "node:util";
import type { Lookup } from "../auth/lookup.ts";
import type { ApiObject } from "../resources/resource.ts";
import { nanos } from "../../../model/quantity.ts";
import type { AdmissionPlugin, AdmissionRequest } from "./admission.ts";
import { specOf, type PodSpec, type ResourceList, type Toleration } from "./pod_spec.ts";
import { createsPod, refused } from "./refusal.ts";

interface Scheduling {
  readonly nodeSelector?: Readonly<Record<string, string>>;
  readonly tolerations?: readonly Toleration[];
}

export class RuntimeClass implements AdmissionPlugin {
  readonly name = "RuntimeClass";
  readonly #lookup: Lookup;

  constructor(lookup: Lookup) {
    this.#lookup = lookup;
  }

  async admit(request: AdmissionRequest): Promise<void> {
    if (!createsPod(request)) return;
    const spec = specOf(request.object!);
    const found = await this.#class(request, spec);
    const overhead = overheadOf(found);
    if (overhead) {
      if (spec.overhead !== undefined && !isSameList(spec.overhead, overhead)) {
        throw refused(request, "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead");
      }
      spec.overhead = overhead;
    } else if (Object.keys(spec.overhead ?? {}).length > 0) {
      throw refused(request, "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead");
    }
    if (found) setScheduling(request, spec, found["scheduling"] ?? {});
  }

  async #class(request: AdmissionRequest, { runtimeClassName: name }: PodSpec): Promise<ApiObject | undefined> {
    if (!name) return undefined;
    const get = (): ApiObject | undefined => this.#lookup.get("node.k8s.io/runtimeclasses", "", name);
    const found = get() ?? (await this.#lookup.fresh("node.k8s.io/runtimeclasses"), get());
    if (!found) throw refused(request, `pod rejected: RuntimeClass "${name}" not found`);
    return found;
  }
}

function overheadOf(found: ApiObject | undefined): ResourceList | undefined {
  return (found?.["overhead"] as { podFixed?: ResourceList } | undefined)?.podFixed;
}

function isSameList(a: ResourceList, b: ResourceList): boolean {
  const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...keys].every((key) => key in a && key in b && nanos(a[key]) === nanos(b[key]));
}

function setScheduling(
  request: AdmissionRequest,
  spec: PodSpec,
  { nodeSelector = {}, tolerations = [] }: Scheduling,
): void {
  for (const [key, value] of Object.entries(nodeSelector)) {
    const own = spec.nodeSelector?.[key];
    if (own !== undefined && own !== value) {
      throw refused(
        request,
        `conflict: runtimeClass.scheduling.nodeSelector[${key}] = ${value}; pod.spec.nodeSelector[${key}] = ${own}`,
      );
    }
    spec.nodeSelector = { ...spec.nodeSelector, [key]: value };
  }
  for (const toleration of tolerations) {
    if ((spec.tolerations ?? []).some((had) => isDeepStrictEqual(had, toleration))) continue;
    spec.tolerations = [...(spec.tolerations ?? []), { ...toleration }];
  }
}

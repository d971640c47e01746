/** Priority: a pod's class as a number (plugin/pkg/admission/priority). */
import type { Lookup } from "../auth/lookup.ts";
import type { ApiObject } from "../resources/resource.ts";
import type { AdmissionPlugin, AdmissionRequest } from "./admission.ts";
import { specOf, type PodSpec } from "./pod_spec.ts";
import { createsPod, isAbout, refused } from "./refusal.ts";

const group = "scheduling.k8s.io";
const defaultPolicy = "PreemptLowerPriority";

interface PriorityClass extends ApiObject {
  value: number;
  globalDefault?: boolean;
  preemptionPolicy?: string;
}

export class Priority implements AdmissionPlugin {
  readonly name = "Priority";
  readonly #lookup: Lookup;

  constructor(lookup: Lookup) {
    this.#lookup = lookup;
  }

  async admit(request: AdmissionRequest): Promise<void> {
    if (!createsPod(request)) return;
    const spec = specOf(request.object!);
    const found = spec.priorityClassName ? await this.#named(request, spec.priorityClassName) : this.#default();
    if (found) spec.priorityClassName = found.metadata.name!;
    setPriority(request, spec, found?.value ?? 0, found?.preemptionPolicy ?? defaultPolicy);
  }

  validate(request: AdmissionRequest): void {
    const { operation, object } = request;
    if (operation === "DELETE" || !object || !isAbout(request, group, "priorityclasses")) return;
    if (!(object as PriorityClass).globalDefault) return;
    const other = this.#default();
    if (other && other.metadata.name !== object.metadata.name) {
      const why = `PriorityClass ${other.metadata.name!} is already marked as default. Only one default can exist`;
      throw refused(request, why);
    }
  }

  async #named(request: AdmissionRequest, name: string): Promise<PriorityClass> {
    const get = (): ApiObject | undefined => this.#lookup.get(`${group}/priorityclasses`, "", name);
    const found = get() ?? (await this.#lookup.fresh(`${group}/priorityclasses`), get());
    if (!found) throw refused(request, `no PriorityClass with name ${name} was found`);
    return found as PriorityClass;
  }

  /** Of several defaults the one of the lowest value. */
  #default(): PriorityClass | undefined {
    const classes = this.#lookup.list(`${group}/priorityclasses`) as PriorityClass[];
    return classes.filter(({ globalDefault }) => globalDefault).sort((a, b) => a.value - b.value)[0];
  }
}

/** The number follows from the class: a pod may say it, and may not say another. */
function setPriority(request: AdmissionRequest, spec: PodSpec, priority: number, policy: string): void {
  if (spec.priority !== undefined && spec.priority !== priority) {
    throw refused(
      request,
      `the integer value of priority (${spec.priority}) must not be provided in pod spec; priority admission controller computed ${priority} from the given PriorityClass name`,
    );
  }
  if (spec.preemptionPolicy !== undefined && spec.preemptionPolicy !== policy) {
    throw refused(
      request,
      `the string value of PreemptionPolicy (${spec.preemptionPolicy}) must not be provided in pod spec; priority admission controller computed ${policy} from the given PriorityClass name`,
    );
  }
  spec.priority = priority;
  spec.preemptionPolicy = policy;
}

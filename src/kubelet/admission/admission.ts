/** Pods that are to run here are let in, or are told why not, each once. */
import { readFile } from "node:fs/promises";
import type { Client } from "../../api/client.ts";
import { resourceTypes } from "../../api/resource_types.ts";
import type { Node, Pod } from "../../model/kubernetes.ts";
import type { NodePressures } from "../node/conditions.ts";
import type { Preempt } from "../preemption/preempt.ts";
import { isCritical } from "./critical.ts";
import { shortagesOf } from "./fit.ts";
import { admissionOf } from "./plan.ts";
import type { Rejection } from "./rejection.ts";

export interface AdmissionOptions {
  readonly client: Client;
  readonly node: () => Node | undefined;
  readonly allocatable: () => Readonly<Record<string, string>>;
  readonly pressures: NodePressures;
  readonly unsafeSysctls: readonly string[];
  readonly hasAppArmor: boolean;
  /** Makes room for what the node cannot do without. */
  readonly preempt: Preempt;
}

export interface Admission {
  /**
   * Decides at once but where the node's labels or taints speak against it: those are read anew first, as they may have
   * changed a moment ago.
   */
  decide(pod: Pod, others: readonly Pod[]): Rejection | undefined | Promise<Rejection | undefined>;
}

/** @param refusal what every pod is told now, whatever it is */
export function closedBy(refusal: () => Rejection | undefined, admission: Admission): Admission {
  return { decide: (pod, others) => refusal() ?? admission.decide(pod, others) };
}

export function openAdmission(options: AdmissionOptions): Admission {
  const { client, allocatable, pressures, unsafeSysctls, hasAppArmor } = options;
  const verdict = (pod: Pod, others: readonly Pod[], node: Node | undefined): Rejection | undefined => {
    const known = { node, allocatable: allocatable(), pressures: pressures.current };
    return admissionOf(pod, { ...known, others, unsafeSysctls, hasAppArmor });
  };
  /** What speaks against it beside the room that it lacks, no room makes good. */
  const besideRoom = (pod: Pod, others: readonly Pod[], node: Node | undefined): Rejection | undefined =>
    admissionOf(pod, { node, allocatable: {}, pressures: pressures.current, others, unsafeSysctls, hasAppArmor });
  return {
    decide(pod, others) {
      const node = options.node();
      const rejection = verdict(pod, others, node);
      if (rejection && isCritical(pod) && "pods" in allocatable()) {
        const shortages = shortagesOf(pod, others, allocatable());
        if (shortages.length > 0) return besideRoom(pod, others, node) ?? options.preempt(pod, shortages);
      }
      if (!node || !rejection || !ofLabels.has(rejection.reason)) return rejection;
      const fresh = client.get(resourceTypes.nodes, { name: node.metadata.name });
      return fresh.then(
        (now) => verdict(pod, others, now),
        () => rejection,
      );
    },
  };
}

const ofLabels = new Set(["NodeAffinity", "TaintToleration"]);

/** Whether this kernel enforces AppArmor (pkg/security/apparmor). */
export async function readAppArmor(): Promise<boolean> {
  const text = await readFile("/sys/module/apparmor/parameters/enabled", "utf8").catch(() => "");
  return text.startsWith("Y");
}

/** A pod as the scheduler reads it: parsed once for each version of it. */
import type { Pod } from "../../../model/kubernetes.ts";
import type { Labels } from "../../../model/label_selector.ts";
import { hostPortsOf, type HostPort } from "../../../model/host_ports.ts";
import {
  namedNodes,
  preferredNodes,
  requiredNodes,
  type NodeMatcher,
  type PreferredNodes,
} from "../../../model/node_selector.ts";
import { podNonZeroRequests, podRequests } from "../../../model/pod_requests.ts";
import { podTerms, type PodTerms } from "./pod_terms.ts";
import type { Resources } from "../../../model/resources.ts";
import { spreadConstraints, type SpreadConstraints } from "./spread.ts";
import type { Toleration } from "../../../model/taints.ts";

export const schedulerName = "default-scheduler";

const noLabels: Labels = {};
const noTolerations: readonly Toleration[] = [];

/** What only a pod that waits for a node is asked about is worked out when it is asked. */
export class PodInfo {
  readonly pod: Pod;
  /** namespace/name */
  readonly key: string;
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  readonly labels: Labels;
  readonly priority: number;
  readonly requests: Resources;
  readonly nonZeroRequests: Resources;
  readonly ports: readonly HostPort[];
  readonly terms: PodTerms;
  readonly tolerations: readonly Toleration[];
  /** It goes: it still takes its room, but is not counted where pods are spread. */
  readonly isTerminating: boolean;
  /** Claims that its volumes name, those of generic ephemeral volumes included. */
  readonly claims: readonly string[];
  #required: NodeMatcher | undefined | null = null;
  #preferred: readonly PreferredNodes[] | undefined;
  #named: ReadonlySet<string> | undefined | null = null;
  #spread: SpreadConstraints | undefined;

  constructor(pod: Pod) {
    const { metadata, spec } = pod;
    this.pod = pod;
    this.uid = metadata.uid;
    this.namespace = metadata.namespace!;
    this.name = metadata.name;
    this.key = `${this.namespace}/${this.name}`;
    this.labels = metadata.labels ?? noLabels;
    this.priority = spec.priority ?? 0;
    this.requests = podRequests(pod);
    this.nonZeroRequests = podNonZeroRequests(pod);
    this.ports = hostPortsOf(pod);
    this.terms = podTerms(pod);
    this.tolerations = spec.tolerations ?? noTolerations;
    this.isTerminating = metadata.deletionTimestamp !== undefined;
    this.claims = claimsOf(pod);
  }

  get requiredNodes(): NodeMatcher | undefined {
    if (this.#required === null) this.#required = requiredNodes(this.pod);
    return this.#required;
  }

  get preferredNodes(): readonly PreferredNodes[] {
    return (this.#preferred ??= preferredNodes(this.pod));
  }

  get namedNodes(): ReadonlySet<string> | undefined {
    if (this.#named === null) this.#named = namedNodes(this.pod);
    return this.#named;
  }

  get spread(): SpreadConstraints {
    return (this.#spread ??= spreadConstraints(this.pod));
  }
}

function claimsOf({ metadata, spec }: Pod): readonly string[] {
  const claims: string[] = [];
  for (const { name, persistentVolumeClaim, ephemeral } of spec.volumes ?? []) {
    if (persistentVolumeClaim) claims.push(persistentVolumeClaim.claimName);
    else if (ephemeral) claims.push(`${metadata.name}-${name}`);
  }
  return claims;
}

/** A pod that has ended takes no room on its node. */
export function hasEnded({ status }: Pod): boolean {
  return status?.phase === "Succeeded" || status?.phase === "Failed";
}

/** DaemonSets, nodes and revisions for plans. */
import { daemonPod } from "../../../../../src/controlplane/controllers/daemon_set/pods.ts";
import { plan, type Observed } from "../../../../../src/controlplane/controllers/daemon_set/plan.ts";
import { templatePatch } from "../../../../../src/controlplane/controllers/history/revisions.ts";
import type { ControllerRevision, DaemonSet, Node, Pod } from "../../../../../src/model/kubernetes.ts";
import { at, nowMs, podOf, template, type PodShape } from "../../../../fixtures/workloads.ts";

export interface SetShape extends Partial<DaemonSet["spec"]> {
  readonly podSpec?: Partial<Pod["spec"]>;
  readonly image?: string;
  readonly unavailable?: number | string;
  readonly surge?: number | string;
  readonly status?: Partial<NonNullable<DaemonSet["status"]>>;
  readonly deleted?: boolean;
  readonly annotations?: Record<string, string>;
}

export function setOf(shape: SetShape = {}): DaemonSet {
  const { podSpec, image = "web:new", unavailable = 1, surge = 0, status, deleted, annotations, ...spec } = shape;
  const base = template({ app: "web" }, image);
  return {
    apiVersion: "apps/v1",
    kind: "DaemonSet",
    metadata: {
      name: "web",
      namespace: "default",
      uid: "set",
      resourceVersion: "1",
      generation: 1,
      creationTimestamp: at(nowMs),
      ...(deleted ? { deletionTimestamp: at(nowMs) } : {}),
      ...(annotations ? { annotations } : {}),
    },
    spec: {
      selector: { matchLabels: { app: "web" } },
      template: { ...base, spec: { ...base.spec, ...podSpec } },
      updateStrategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: unavailable, maxSurge: surge } },
      ...spec,
    },
    ...(status ? { status: status as NonNullable<DaemonSet["status"]> } : {}),
  };
}

export function nodeOf(name: string, spec: Partial<Node["spec"]> = {}, labels: Record<string, string> = {}): Node {
  const metadata = { name, uid: name, resourceVersion: "1", creationTimestamp: at(nowMs), labels };
  return { apiVersion: "v1", kind: "Node", metadata, spec };
}

export const nodes = (count: number): readonly Node[] => Array.from({ length: count }, (_, i) => nodeOf(`n${i}`));

/** The present revision's hash, and that of another. */
export const [present, former] = ["present", "former"];

export function revisionOf(
  hash: string,
  revision: number,
  shape: { image?: string; labels?: Record<string, string> } = {},
): ControllerRevision {
  const { image = hash === present ? "web:new" : `web:${hash}`, labels = { "controller-revision-hash": hash } } = shape;
  const metadata = {
    name: `web-${hash}`,
    namespace: "default",
    uid: hash,
    resourceVersion: "1",
    creationTimestamp: at(nowMs),
    labels,
  };
  return {
    apiVersion: "apps/v1",
    kind: "ControllerRevision",
    metadata,
    revision,
    data: templatePatch(template({ app: "web" }, image)),
  };
}

/** A pod of the set on a node. @param hash of its revision */
export const onNode = (node: string, hash: string, shape: PodShape = { readyMs: nowMs - 60_000 }): Pod =>
  podOf({ node, labels: { app: "web", "controller-revision-hash": hash }, ...shape });

/** A pod of the set that the scheduler has not bound yet. */
export function unbound(node: string): Pod {
  const pod = podOf({ phase: "Pending" });
  return { ...pod, spec: { ...pod.spec, ...daemonPod(setOf(), node, present).spec } };
}

export function planned(shape: SetShape, observed: Partial<Observed>): ReturnType<typeof plan> {
  const revisions = [revisionOf(former, 1), revisionOf(present, 2)];
  return plan({ set: setOf(shape), nodes: nodes(3), pods: [], revisions, backOffMs: () => 0, ...observed }, nowMs);
}

/** Nodes that get a pod and pods that go, by their nodes. */
export function changes({ steps }: ReturnType<typeof plan>): {
  readonly made: readonly string[];
  readonly gone: readonly string[];
} {
  return {
    made: steps.flatMap((step) => (step.kind === "create-pods" ? step.nodes : [])),
    gone: steps.flatMap((step) => (step.kind === "delete-pods" ? step.pods.map(({ metadata }) => metadata.name) : [])),
  };
}

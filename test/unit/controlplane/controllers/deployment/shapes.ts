/** Deployments and ReplicaSets for plans. */
import type { Deployment, ReplicaSet } from "../../../../../src/model/kubernetes.ts";
import { at, nowMs, template } from "../../../../fixtures/workloads.ts";

export const minute = 60_000;

export interface DeploymentShape extends Partial<Deployment["spec"]> {
  readonly surge?: number | string;
  readonly unavailable?: number | string;
  readonly status?: Deployment["status"];
  readonly annotations?: Record<string, string>;
  readonly deleted?: boolean;
}

export function deploymentOf(shape: DeploymentShape = {}): Deployment {
  const { surge = 0, unavailable = 0, status, annotations, deleted, ...spec } = shape;
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: {
      name: "web",
      namespace: "default",
      uid: "deployment",
      resourceVersion: "1",
      generation: 1,
      creationTimestamp: at(nowMs - 60 * minute),
      ...(annotations ? { annotations } : {}),
      ...(deleted ? { deletionTimestamp: at(nowMs) } : {}),
    },
    spec: {
      replicas: 10,
      selector: { matchLabels: { app: "web" } },
      template: template({ app: "web" }, "web:new"),
      strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: surge, maxUnavailable: unavailable } },
      ...spec,
    },
    ...(status ? { status } : {}),
  };
}

export interface SetShape {
  readonly image?: string;
  /** Of status; default: all that are wanted. */
  readonly available?: number;
  readonly replicas?: number;
  readonly revision?: number;
  /** The deployment's size, and with surge, when it was scaled last. */
  readonly desired?: number;
  readonly max?: number;
  readonly annotations?: Record<string, string>;
  /** Minutes; default: the digits of its name, so that v1 is the oldest. */
  readonly age?: number;
  readonly status?: ReplicaSet["status"];
}

export function setOf(name: string, size: number, shape: SetShape = {}): ReplicaSet {
  const {
    image = `web:${name}`,
    available = size,
    replicas = size,
    age = 60 - Number(/\d+$/.exec(name)?.[0] ?? 59),
  } = shape;
  const annotations = {
    ...(shape.revision === undefined ? {} : { "deployment.kubernetes.io/revision": String(shape.revision) }),
    ...(shape.desired === undefined ? {} : { "deployment.kubernetes.io/desired-replicas": String(shape.desired) }),
    ...(shape.max === undefined ? {} : { "deployment.kubernetes.io/max-replicas": String(shape.max) }),
    ...shape.annotations,
  };
  return {
    apiVersion: "apps/v1",
    kind: "ReplicaSet",
    metadata: {
      name,
      namespace: "default",
      uid: `uid-${name}`,
      resourceVersion: "1",
      generation: 1,
      creationTimestamp: at(nowMs - age * minute),
      annotations,
    },
    spec: {
      replicas: size,
      selector: { matchLabels: { app: "web", "pod-template-hash": name } },
      template: template({ app: "web", "pod-template-hash": name }, image),
    },
    status: shape.status ?? {
      replicas,
      readyReplicas: available,
      availableReplicas: available,
      observedGeneration: 1,
      terminatingReplicas: 0,
    },
  };
}

/** The ReplicaSet of the deployment's template. */
export const newest = (size: number, shape: SetShape = {}) =>
  setOf("new", size, { image: "web:new", revision: 9, ...shape });

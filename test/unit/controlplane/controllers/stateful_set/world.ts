/** A StatefulSet's pods, claims and revisions, to which plans are applied, and whose pods a test makes ready. */
import { ordinalOf } from "../../../../../src/controlplane/controllers/stateful_set/identity.ts";
import { plan, type Plan } from "../../../../../src/controlplane/controllers/stateful_set/plan.ts";
import type { Step } from "../../../../../src/controlplane/controllers/stateful_set/steps.ts";
import type {
  ControllerRevision,
  PersistentVolumeClaim,
  Pod,
  StatefulSet,
} from "../../../../../src/model/kubernetes.ts";
import { at, nowMs, template } from "../../../../fixtures/workloads.ts";

type Spec = StatefulSet["spec"];
type Status = NonNullable<Pod["status"]>;

export class World {
  set: StatefulSet;
  pods = new Map<string, Pod>();
  claims = new Map<string, PersistentVolumeClaim>();
  revisions: ControllerRevision[] = [];
  now = nowMs;
  /** What was done to pods and claims: "+web-0", "-web-0", "+data-web-0". */
  readonly log: string[] = [];
  #uids = 0;

  constructor(spec: Partial<Spec> = {}) {
    this.set = {
      apiVersion: "apps/v1",
      kind: "StatefulSet",
      metadata: { name: "web", namespace: "default", generation: 1, ...this.#stored() },
      spec: {
        replicas: 3,
        serviceName: "svc",
        selector: { matchLabels: { app: "web" } },
        template: template({ app: "web" }),
        podManagementPolicy: "OrderedReady",
        updateStrategy: { type: "RollingUpdate", rollingUpdate: { partition: 0 } },
        ...spec,
      },
    };
  }

  change(spec: Partial<Spec>): this {
    this.set = { ...this.set, spec: { ...this.set.spec, ...spec } };
    return this;
  }

  image(image: string): this {
    return this.change({ template: template({ app: "web" }, image) });
  }

  plan(): Plan {
    const pods = [...this.pods.values()];
    return plan({ set: this.set, pods, revisions: this.revisions, claim: (name) => this.claims.get(name) }, this.now);
  }

  /** One reconciliation; nothing becomes of the pods. @returns what it did */
  step(): readonly string[] {
    const before = this.log.length;
    const planned = this.plan();
    for (const step of planned.steps) this.#apply(step);
    this.set = { ...this.set, status: planned.status };
    return this.log.slice(before);
  }

  /** Reconciles and runs pods until nothing changes. @param isReady whether a pod becomes ready @returns what was done */
  settle(isReady: (pod: Pod) => boolean = () => true): readonly string[] {
    const before = this.log.length;
    for (let quiet = 0, rounds = 0; quiet < 2; rounds++) {
      if (rounds > 200) throw new Error(`no end: ${this.log.join(" ")}`);
      const did = this.step();
      quiet = did.length === 0 && !this.run(isReady) ? quiet + 1 : 0;
    }
    return this.log.slice(before);
  }

  /** Pods that were made run, those that were deleted are gone. @returns whether anything changed */
  run(isReady: (pod: Pod) => boolean = () => true): boolean {
    let changed = false;
    for (const [name, pod] of this.pods) {
      if (pod.metadata.deletionTimestamp !== undefined) {
        this.pods.delete(name);
        changed = true;
      } else if (pod.status?.phase === "Pending" || (isReady(pod) && !this.isReady(name))) {
        this.report(name, { phase: "Running" }, isReady(pod));
        changed = true;
      }
    }
    return changed;
  }

  isReady(name: string): boolean {
    return this.pods.get(name)?.status?.conditions?.[0]?.status === "True";
  }

  report(name: string, status: Status, isReady: boolean): void {
    const pod = this.pods.get(name)!;
    const ready = { type: "Ready", status: isReady ? "True" : "False", lastTransitionTime: at(this.now) };
    this.pods.set(name, { ...pod, status: { ...status, conditions: [ready] } });
  }

  /** "web-0:web:1 web-1:web:2" */
  get images(): string {
    return [...this.pods.values()]
      .sort((a, b) => ordinalOf(this.set, a)! - ordinalOf(this.set, b)!)
      .map(({ metadata, spec }) => `${metadata.name}:${spec.containers[0]?.image}`)
      .join(" ");
  }

  #stored() {
    return { uid: `uid-${++this.#uids}`, resourceVersion: "1", creationTimestamp: at(nowMs) };
  }

  #apply(step: Step): void {
    switch (step.kind) {
      case "create-revision":
        this.revisions.push({
          apiVersion: "apps/v1",
          kind: "ControllerRevision",
          ...step.revision,
          metadata: { ...step.revision.metadata, ...this.#stored() },
        });
        break;
      case "update-revision":
        this.revisions = this.revisions.map((one) =>
          one === step.revision ? { ...one, revision: step.number! } : one,
        );
        break;
      case "delete-revision":
        this.revisions = this.revisions.filter((one) => one !== step.revision);
        break;
      case "create-pods":
        for (const { pod, claims } of step.creations) {
          this.#addClaims(claims);
          this.log.push(`+${pod.metadata.name}`);
          const metadata = { ...pod.metadata, ...this.#stored() };
          this.pods.set(metadata.name, { ...pod, metadata, status: { phase: "Pending" } });
        }
        break;
      case "create-claims":
        this.#addClaims(step.claims);
        break;
      case "update-pod":
        this.log.push(`~${step.pod.metadata.name}`);
        this.pods.set(step.pod.metadata.name, step.pod);
        break;
      case "own-claim": {
        const { claim, owners } = step;
        this.log.push(`~${claim.metadata.name}`);
        this.claims.set(claim.metadata.name, { ...claim, metadata: { ...claim.metadata, ownerReferences: owners } });
        break;
      }
      case "delete-pods":
        for (const pod of step.pods) {
          const { name } = pod.metadata;
          this.log.push(`-${name}`);
          this.pods.set(name, { ...pod, metadata: { ...pod.metadata, deletionTimestamp: at(this.now) } });
        }
        break;
      case "wait-for-claim":
        break;
    }
  }

  #addClaims(claims: readonly { readonly metadata: { readonly name: string }; readonly spec: object }[]): void {
    for (const claim of claims) {
      const { name } = claim.metadata;
      this.log.push(`+${name}`);
      const metadata = { ...claim.metadata, ...this.#stored() };
      this.claims.set(name, { apiVersion: "v1", kind: "PersistentVolumeClaim", ...claim, metadata });
    }
  }
}

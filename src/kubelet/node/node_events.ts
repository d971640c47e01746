/** Events of the node, in upstream's words. Their subject's uid is its name: `kubectl describe node` looks for it. */
import type { EventRecorder, EventSubject } from "../../api/event_recorder.ts";
import type { Node } from "../../model/kubernetes.ts";
import { pressures, pressureWords, type Pressure } from "./conditions.ts";
import type { NodeStatus } from "./render.ts";

export class NodeEvents {
  readonly #events: EventRecorder;
  readonly #about: EventSubject;
  readonly #name: string;
  #isUnschedulable = false;

  constructor(events: EventRecorder, name: string) {
    this.#events = events;
    this.#name = name;
    this.#about = { apiVersion: "v1", kind: "Node", metadata: { name, uid: name } };
  }

  starting(): void {
    this.#events.event(this.#about, "Normal", "Starting", "Starting kubelet.");
  }

  /** @param before what was known of it when the kubelet began */
  booted(before: Node, bootId: string): void {
    const known = before.status?.nodeInfo?.bootID ?? "";
    if (known === "" || known === bootId) return;
    const message = `Node ${this.#name} has been rebooted, boot id: ${bootId}`;
    this.#events.event(this.#about, "Warning", "Rebooted", message);
  }

  /** At each change of a condition (nodestatus.ReadyCondition and others). */
  changed(before: NodeStatus | undefined, { conditions = [] }: NodeStatus): void {
    for (const { type, status } of conditions) {
      const old = before?.conditions?.find((one) => one.type === type)?.status;
      if (old === status) continue;
      const reason = reasonOf(type, status === "True");
      if (reason !== undefined) this.#now(reason);
    }
  }

  scheduling({ spec }: Node): void {
    const isUnschedulable = spec?.unschedulable ?? false;
    if (isUnschedulable === this.#isUnschedulable) return;
    this.#isUnschedulable = isUnschedulable;
    this.#now(isUnschedulable ? "NodeNotSchedulable" : "NodeSchedulable");
  }

  shutdown(): void {
    this.#events.event(this.#about, "Normal", "Shutdown", "Shutdown manager detected shutdown event");
  }

  #now(reason: string): void {
    this.#events.event(this.#about, "Normal", reason, `Node ${this.#name} status is now: ${reason}`);
  }
}

function reasonOf(type: string, isSo: boolean): string | undefined {
  if (type === "Ready") return isSo ? "NodeReady" : "NodeNotReady";
  return pressures.some((one) => one === type)
    ? pressureWords[type as Pressure][isSo ? "is" : "isNot"].event
    : undefined;
}

/** What the node lifecycle writes: taints, labels and status of nodes, and that their pods are not ready. */
import { keyOf, type Client } from "../../../api/client.ts";
import { resourceTypes } from "../../../api/resource_types.ts";
import { isNotFound } from "../../../api/status_error.ts";
import type { Node, Pod } from "../../../model/kubernetes.ts";
import type { ControllerContext } from "../controller.ts";
import { conditionPatch } from "../pods/conditions.ts";
import type { Taint } from "./taints.ts";

const { nodes, pods } = resourceTypes;

export class NodeWrites {
  readonly #context: Pick<ControllerContext, "events" | "clock" | "informers">;
  readonly #client: Client;

  constructor({ events, clock, informers, client }: ControllerContext) {
    this.#context = { events, clock, informers };
    this.#client = client;
  }

  /** @param taintsOf all taints as they should be, from the node as it is now; undefined where they are right */
  async taint(name: string, taintsOf: (node: Node) => readonly Taint[] | undefined): Promise<void> {
    const node = await this.read(name);
    const taints = node && taintsOf(node);
    if (!taints) return;
    const { resourceVersion } = node.metadata;
    const spec = { taints: taints.length === 0 ? null : taints };
    await this.#patch(name, { metadata: { resourceVersion }, spec });
  }

  async label(name: string, labels: Readonly<Record<string, string>>): Promise<void> {
    await this.#patch(name, { metadata: { labels } });
  }

  async status(node: Node, status: NonNullable<Node["status"]>): Promise<void> {
    const written = await this.#client.update(nodes, { ...node, status }, { subresource: "status" });
    await this.#context.informers.of(nodes).saw(written);
  }

  /** Endpoints leave a pod whose node nobody hears of. */
  async markNotReady(pod: Pod): Promise<void> {
    const ready = pod.status?.conditions?.find(({ type }) => type === "Ready");
    if (!ready || ready.status === "False") return;
    const { reason, message } = ready;
    const kept = { ...(reason === undefined ? {} : { reason }), ...(message === undefined ? {} : { message }) };
    const body = conditionPatch(pod, { type: "Ready", status: "False", ...kept }, this.#context.clock.now());
    if (!body) return;
    try {
      await this.#client.patch(pods, keyOf(pod), { type: "strategic", body }, { subresource: "status" });
      this.#context.events.event(pod, "Warning", "NodeNotReady", "Node is not ready");
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  async read(name: string): Promise<Node | undefined> {
    try {
      return await this.#client.get(nodes, { name });
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  async #patch(name: string, body: object): Promise<void> {
    try {
      const written = await this.#client.patch(nodes, { name }, { type: "merge", body });
      await this.#context.informers.of(nodes).saw(written);
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
}

/** The network between the nodes of one machine, made and removed. */
import { constants } from "node:os";
import { FairleadError } from "../../errors/catalogue.ts";
import type { NamespacePort, NetworkNamespace, NftablesPort, RoutingChange, RoutingPort } from "../../kernel/ports.ts";
import { planMasquerade } from "../../network/masquerade/plan.ts";
import {
  bridgeName,
  hostLinkName,
  loopbackUp,
  nodeLinkOf,
  renderBridge,
  renderBridgeEnd,
  renderHostEnd,
  renderNodeEnd,
  renderNodesMasquerade,
  renderPair,
  tableRef,
} from "./render.ts";

const { EEXIST } = constants.errno;

export interface UnderlayPorts {
  readonly routing: RoutingPort;
  readonly nftables: NftablesPort;
  readonly namespaces: NamespacePort;
  /** @param namespace a path */
  readonly openRouting: (namespace: string) => Promise<RoutingPort>;
  close(): void;
}

export interface NodePlace {
  /** 2 for the second node. */
  readonly number: number;
  /** Name of its namespace. */
  readonly netns: string;
}

export class Underlay {
  readonly #ports: UnderlayPorts;

  constructor(ports: UnderlayPorts) {
    this.#ports = ports;
  }

  /** What is there stays, and what is missing of it is made: whoever began may have been killed. */
  async ensureBridge(network: string): Promise<void> {
    const { routing, nftables } = this.#ports;
    if (!(await routing.link({ name: bridgeName }))) await carryOut(routing, [renderBridge(network)]);
    await carryOut(routing, renderBridgeEnd(network, (await routing.link({ name: bridgeName }))!.index));
    const steps = planMasquerade(tableRef, await nftables.list(tableRef), renderNodesMasquerade(network));
    if (steps.length > 0) await nftables.transact(steps);
  }

  /** A node whose namespace or link is gone gets both anew. */
  async ensureNode(network: string, place: NodePlace): Promise<void> {
    const { routing, namespaces } = this.#ports;
    const { number, netns } = place;
    const isLinked = (await routing.link({ name: hostLinkName(number) })) !== undefined;
    const isThere = isLinked && (await namespaces.list()).includes(netns);
    const namespace = isThere ? await namespaces.open({ name: netns }) : await this.#makeNode(network, place);
    try {
      await carryOut(routing, renderHostEnd(number));
      const inside = await this.#ports.openRouting(namespace.path);
      try {
        await carryOut(inside, [loopbackUp]);
        await carryOut(inside, renderNodeEnd(network, number, (await inside.link(nodeLinkOf))!.index));
      } finally {
        inside.close();
      }
    } finally {
      namespace.close();
    }
  }

  async #makeNode(network: string, place: NodePlace): Promise<NetworkNamespace> {
    const { routing, namespaces } = this.#ports;
    await this.removeNode(place);
    const bridge = await routing.link({ name: bridgeName });
    if (!bridge) throw new FairleadError("UP_PART", { subject: "the nodes' network", reason: `${bridgeName} is gone` });
    const namespace = await namespaces.create(place.netns);
    try {
      await carryOut(routing, [renderPair(network, place.number, namespace.fd, bridge.index)]);
      return namespace;
    } catch (error) {
      namespace.close();
      throw error;
    }
  }

  async removeNode({ number, netns }: NodePlace): Promise<void> {
    const { routing, namespaces } = this.#ports;
    // The link first: one whose peer goes with a namespace goes later, when the kernel has the time.
    await this.#removeLink(routing, hostLinkName(number));
    if ((await namespaces.list()).includes(netns)) await namespaces.delete(netns);
  }

  async removeBridge(): Promise<void> {
    const { routing, nftables } = this.#ports;
    await this.#removeLink(routing, bridgeName);
    const steps = planMasquerade(tableRef, await nftables.list(tableRef), undefined);
    if (steps.length > 0) await nftables.transact(steps);
  }

  async #removeLink(routing: RoutingPort, name: string): Promise<void> {
    if (await routing.link({ name })) await carryOut(routing, [{ verb: "delete", object: "link", value: { name } }]);
  }

  close(): void {
    this.#ports.close();
  }
}

/** An address or a route that is there already is as good. */
async function carryOut(routing: RoutingPort, changes: readonly RoutingChange[]): Promise<void> {
  const outcomes = await routing.apply(changes);
  const refused = outcomes.find((error, i) => error && !(error.errno === EEXIST && changes[i]!.object !== "link"));
  if (refused) throw refused;
}

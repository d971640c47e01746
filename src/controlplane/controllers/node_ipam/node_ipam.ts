/** Gives each node its part of the pods' addresses (upstream: pkg/controller/nodeipam). */
import { resourceTypes } from "../../../api/resource_types.ts";
import { isInvalid, isNotFound } from "../../../api/status_error.ts";
import type { Outcome } from "../../../reconcile/work_queue.ts";
import type { Controller, ControllerContext, ControllerRow } from "../controller.ts";
import { controllerQueue } from "../queue.ts";
import { cidrsOf, NodeRanges } from "./allocator.ts";

const { nodes } = resourceTypes;
const name = "node-ipam-controller";

export const nodeIpamController: ControllerRow = { name, account: "node-controller", component: "cidrAllocator", make };

function make(context: ControllerContext): Controller {
  const { client, informers, options, events, log } = context;
  // Without ranges to give there is nothing to do.
  if (options.clusterCidrs.length === 0) return { start: () => undefined, stop: () => Promise.resolve() };
  const ranges = new NodeRanges({
    clusterCidrs: options.clusterCidrs,
    maskSizes: options.nodeCidrMaskSizes,
    serviceCidrs: options.serviceCidrs,
  });
  const informer = informers.of(nodes);
  const queue = controllerQueue(context, { name, reconcile });
  /** Nodes that there was nothing left for. */
  const waiting = new Set<string>();

  async function reconcile(key: string): Promise<Outcome> {
    const node = informer.objects.get(key);
    if (!node || cidrsOf(node).length > 0) return undefined;
    const podCIDRs = ranges.allocate(key);
    if (!podCIDRs) {
      waiting.add(key);
      events.event(node, "Normal", "CIDRNotAvailable", `Node ${key} status is now: CIDRNotAvailable`);
      throw new Error(`failed to allocate cidr for node ${key}: there are no remaining CIDRs left to allocate`);
    }
    const { uid } = node.metadata;
    const body = { metadata: { uid }, spec: { podCIDR: podCIDRs[0], podCIDRs } };
    try {
      await informer.saw(await client.patch(nodes, { name: key }, { type: "merge", body }));
    } catch (error) {
      // Whether it was written is known only where the server says that it was not.
      if (isNotFound(error) || isInvalid(error)) ranges.release(key);
      if (isNotFound(error)) return undefined;
      events.event(node, "Normal", "CIDRAssignmentFailed", `Node ${key} status is now: CIDRAssignmentFailed`);
      throw error;
    }
    log.info({ controller: name, node: key, podCIDRs }, "the node has its ranges");
    return undefined;
  }

  return {
    // Every range that is in use is known before the first is given.
    start() {
      for (const node of informer.objects.values()) ranges.occupy(node);
      informer.subscribe({
        onAdd: (node) => {
          ranges.occupy(node);
          queue.add(node.metadata.name);
        },
        onUpdate: (_, node) => {
          ranges.occupy(node);
          queue.add(node.metadata.name);
        },
        onDelete: ({ metadata }) => {
          waiting.delete(metadata.name);
          if (!ranges.release(metadata.name)) return;
          for (const key of waiting) queue.add(key);
          waiting.clear();
        },
      });
      queue.start();
    },
    stop: () => queue.stop(),
  };
}

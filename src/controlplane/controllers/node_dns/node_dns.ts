/** Leads the Service kube-dns to the nodes that answer for cluster DNS, where they say so. */
import { Informer } from "../../../api/informer.ts";
import { resourceTypes } from "../../../api/resource_types.ts";
import { isAlreadyExists, isNotFound } from "../../../api/status_error.ts";
import type { EndpointSlice, Node } from "../../../model/kubernetes.ts";
import type { Controller, ControllerContext, ControllerRow } from "../controller.ts";
import { controllerQueue } from "../queue.ts";
import { dnsPortLabel, dnsService, planNodeDns, sliceName } from "./plan.ts";

const { endpointSlices } = resourceTypes;
const name = "node-dns-controller";

/** It writes what the controller of endpoints writes, and so is it. */
export const nodeDnsController: ControllerRow = { name, account: "endpointslice-controller", make };

function make(context: ControllerContext): Controller {
  const { client, informers, clock, log } = context;
  const nodes = informers.of(resourceTypes.nodes);
  const slices = new Informer<EndpointSlice>(client, endpointSlices, {
    clock,
    namespace: dnsService.namespace,
    onError: (err) => log.warn({ controller: name, err }, "cannot follow EndpointSlices; it is tried again"),
  });
  const queue = controllerQueue(context, { name, workers: 1, reconcile });

  async function reconcile(nodeName: string): Promise<undefined> {
    const { namespace } = dnsService;
    const found = slices.objects.get(`${namespace}/${sliceName(nodeName)}`);
    const step = planNodeDns(nodeName, nodes.objects.get(nodeName), found);
    if (step?.type === "create")
      await client.create(endpointSlices, step.object).then((made) => slices.saw(made), ignore(isAlreadyExists));
    if (step?.type === "update") await slices.saw(await client.update(endpointSlices, step.object));
    if (step?.type === "delete")
      await client.delete(endpointSlices, { namespace, name: step.name }).catch(ignore(isNotFound));
    return undefined;
  }

  const isOf = ({ metadata }: Node): boolean => metadata.labels?.[dnsPortLabel] !== undefined;
  const add = ({ metadata }: Node): void => queue.add(metadata.name);
  nodes.subscribe({
    onAdd: (node) => isOf(node) && add(node),
    onUpdate: (before, node) => (isOf(before) || isOf(node)) && add(node),
    onDelete: (node) => isOf(node) && add(node),
  });
  const ownerOf = ({ metadata }: EndpointSlice): void => {
    const owner = metadata.ownerReferences?.find(({ kind }) => kind === "Node");
    if (owner && metadata.name === sliceName(owner.name)) queue.add(owner.name);
  };
  // What somebody else has changed or removed is put right; what was left by a node that went meanwhile, too.
  slices.subscribe({ onAdd: ownerOf, onUpdate: (_, slice) => ownerOf(slice), onDelete: ownerOf });
  return {
    start() {
      slices.start();
      void slices.synced(10_000).then(() => queue.start());
    },
    async stop() {
      slices.stop();
      await queue.stop();
    },
  };
}

function ignore(isHarmless: (error: unknown) => boolean): (error: unknown) => void {
  return (error) => {
    if (!isHarmless(error)) throw error;
  };
}

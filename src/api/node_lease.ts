/** A node's Lease: that it is renewed says that the node lives (KEP-589; pkg/kubelet, component-helpers lease controller). */
import type { Lease, New, Node } from "../model/kubernetes.ts";
import { microTimestamp } from "../model/timestamp.ts";
import type { Client } from "./client.ts";
import { resourceTypes } from "./resource_types.ts";
import { isAlreadyExists, isConflict, isNotFound } from "./status_error.ts";

const { leases } = resourceTypes;

export interface Renewal {
  /** As it is registered. */
  readonly node: Node;
  readonly durationSeconds: number;
  readonly nowMs: number;
  /** What the last renewal gave; undefined: it is not known, and is taken whoever wrote it. */
  readonly lease: Lease | undefined;
}

/** @returns what the next renewal is given @throws StatusError: the next one knows no Lease */
export async function renewNodeLease(client: Client, { lease, ...renewal }: Renewal): Promise<Lease> {
  const renewTime = microTimestamp(renewal.nowMs);
  if (lease) {
    try {
      return await client.update(leases, { ...lease, spec: { ...lease.spec, renewTime } });
    } catch (error) {
      if (!isConflict(error) && !isNotFound(error)) throw error;
    }
  }
  return takeLease(client, renewal, renewTime);
}

async function takeLease(
  client: Client,
  { node, durationSeconds: leaseDurationSeconds }: Omit<Renewal, "lease">,
  renewTime: string,
): Promise<Lease> {
  const { name, uid } = node.metadata;
  const key = { namespace: "kube-node-lease", name };
  const spec = { holderIdentity: name, leaseDurationSeconds, renewTime };
  const ownerReferences = [{ apiVersion: "v1", kind: "Node", name, uid }];
  const fresh: New<Lease> = { metadata: { ...key, ownerReferences }, spec };
  try {
    return await client.create(leases, fresh);
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
    const current = await client.get(leases, key);
    return client.update(leases, { ...current, metadata: { ...current.metadata, ownerReferences }, spec });
  }
}

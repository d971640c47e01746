/** Joins the pod network with this node's kernel: for the agent, and for the plugin that runs without one. */
import path from "node:path";
import type { RoutingPort } from "../kernel/ports.ts";
import { namespaces } from "../kernel/real/namespaces.ts";
import { RealNftables } from "../kernel/real/nftables.ts";
import { openRouting } from "../kernel/real/routing.ts";
import { openSysctl } from "../kernel/real/sysctl.ts";
import { HostPortTable } from "../network/host_port_table.ts";
import type { HostPorts } from "../network/host_ports.ts";
import { NodePodNetwork, type PodNetworkOptions } from "../network/pod_network.ts";
import { Attachments } from "../network/state/attachments.ts";
import { openState, readBootId } from "../network/state/database.ts";
import type { AttachmentDetail } from "../network/state/detail.ts";

/** A file system in memory on most nodes: what is there need not outlive the kernel. */
export const defaultStateDir = "/run/fairlead/network";

export interface OpenPodNetworkOptions extends Pick<
  PodNetworkOptions,
  "metrics" | "podCidrs" | "excluded" | "mtu" | "notReady" | "onLinks" | "tunnelPort"
> {
  /** Default: {@link defaultStateDir}. */
  readonly stateDir?: string;
  /** Default: a table of their own. */
  readonly hostPorts?: HostPorts;
}

export interface OpenPodNetwork {
  /** `restore()` it before anything is added, unless another process adds at the same time. */
  readonly network: NodePodNetwork;
  close(): void;
}

/** @throws FairleadError DATA_DIR, NATIVE_CALL */
export async function openPodNetwork(options: OpenPodNetworkOptions): Promise<OpenPodNetwork> {
  const { stateDir = defaultStateDir, ...rest } = options;
  const closes: (() => void)[] = [];
  const close = (): void => closes.reverse().forEach((each) => each());
  const owned = <T extends { close(): void }>(port: T): T => {
    closes.push(() => port.close());
    return port;
  };
  try {
    const routing = owned(await openRouting());
    const deletions = owned(await openRouting());
    const nftables = owned(await RealNftables.open());
    const state = openState(path.join(stateDir, "state.db"), { bootId: readBootId() });
    const attachments = owned(new Attachments<AttachmentDetail>(state));
    const hostPorts = options.hostPorts ?? owned(await HostPortTable.open(nftables, routing));
    const network = new NodePodNetwork({
      ...rest,
      ports: {
        routing,
        deletions,
        nftables,
        sysctl: openSysctl(),
        openPod: ({ path: namespace }): Promise<RoutingPort> => openRouting({ namespace }),
        podSysctl: ({ path: namespace }) => openSysctl({ namespace }),
      },
      namespaces,
      attachments,
      hostPorts,
    });
    return { network, close };
  } catch (error) {
    close();
    throw error;
  }
}

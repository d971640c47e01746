/** The relays that a proxy opens: the userspace mode's, and that of other modes' node ports at localhost. */
import { availableParallelism } from "node:os";
import type { KubeProxyConfiguration } from "../config/kube_proxy.ts";
import type { RelayListener, RelayPort } from "../kernel/ports.ts";
import { openRelay } from "../kernel/real/relay.ts";
import type { Servers } from "./part.ts";

interface RelayOptions {
  readonly config: KubeProxyConfiguration;
  readonly servers: Servers;
}

const dayMs = 24 * 3_600_000;

/** @throws FairleadError NATIVE_CALL */
export async function openUserspaceRelay(
  mark: number,
  listeners: readonly RelayListener[],
  { config, servers }: RelayOptions,
): Promise<RelayPort> {
  return servers.own(await openRelay({ ...idleTimes(config), workers: availableParallelism(), mark, listeners }));
}

/** One thread: clients are programs of this machine that know no better address. @throws FairleadError NATIVE_CALL */
export async function openLocalhostRelay({ config, servers }: RelayOptions): Promise<RelayPort> {
  const relay = await openRelay({ ...idleTimes(config), workers: 1, mark: 0, listeners: [] });
  await servers.own({
    isIdle: () => relay.isIdle(),
    close: () => relay.close(),
    // Its ports are those of whoever comes next: the kernel would go on to give it half of all clients (SO_REUSEPORT).
    retire: async () => void (await relay.update([], [...(await relay.frontendCounts()).keys()])),
  });
  return relay;
}

function idleTimes({ conntrack: { tcpEstablishedTimeout, tcpCloseWaitTimeout } }: KubeProxyConfiguration) {
  // 0 leaves the kernel's as it is, which is five days, or a minute (nf_conntrack_tcp_timeout_*): neither is ours.
  return { idleMs: tcpEstablishedTimeout || dayMs, halfClosedMs: tcpCloseWaitTimeout || dayMs };
}

/** Ports of the node that containers take (pkg/scheduler/framework HostPortInfo). */
import type { Pod } from "./kubernetes.ts";

export interface HostPort {
  readonly protocol: string;
  /** "0.0.0.0": every address. */
  readonly address: string;
  readonly port: number;
}

const everyAddress = "0.0.0.0";

/** Those of containers and of sidecars: both run as long as the pod does. */
export function hostPortsOf({ spec }: Pod): readonly HostPort[] {
  const sidecars = (spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === "Always");
  const ports: HostPort[] = [];
  for (const container of [...sidecars, ...spec.containers]) {
    for (const { hostPort = 0, hostIP, protocol } of container.ports ?? []) {
      if (hostPort > 0) ports.push({ protocol: protocol || "TCP", address: hostIP || everyAddress, port: hostPort });
    }
  }
  return ports;
}

export function conflicts(a: HostPort, b: HostPort): boolean {
  if (a.port !== b.port || a.protocol !== b.protocol) return false;
  return a.address === b.address || a.address === everyAddress || b.address === everyAddress;
}

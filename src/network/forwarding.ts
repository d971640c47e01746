/** What the kernel must be told so that it passes pods' packets on. */
import { FairleadError } from "../errors/catalogue.ts";
import type { RoutingPort, SysctlPort } from "../kernel/ports.ts";

const ENOENT = 2;

/** Sets what is not set already. A kernel without IPv6 has nothing of it to set. */
export async function enableForwarding(sysctl: SysctlPort, routing: RoutingPort): Promise<void> {
  await ensure(sysctl, "net.ipv4.ip_forward", "1");
  await keepRouterAdvertisements(sysctl, routing);
  await ensure(sysctl, "net.ipv6.conf.all.forwarding", "1");
}

/**
 * A node that forwards takes no router advertisements, unless it is told to all the same (accept_ra 2): without this it
 * would lose its default route when that expires (ip-sysctl.rst).
 */
async function keepRouterAdvertisements(sysctl: SysctlPort, routing: RoutingPort): Promise<void> {
  const learned = await routing.routes({ family: "ip6", protocol: "routerAdvertisement" });
  const indexes = new Set(learned.map(({ outInterface }) => outInterface));
  for (const { index, name = "" } of await routing.links()) {
    if (!indexes.has(index)) continue;
    const parameter = `net/ipv6/conf/${name}/accept_ra`;
    if ((await sysctl.read(parameter)) === "1") await sysctl.write(parameter, "2");
  }
}

async function ensure(sysctl: SysctlPort, name: string, value: string): Promise<void> {
  try {
    if ((await sysctl.read(name)) !== value) await sysctl.write(name, value);
  } catch (error) {
    if (!(error instanceof FairleadError && error.errno === ENOENT)) throw error;
  }
}

/** What brings Services into the kernel of the virtual machine: what of a load and of a change is measured, and what is not. */
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import type { NativeNamespace } from "../../../src/kernel/native.ts";
import type { IpvsStep } from "../../../src/kernel/netlink/ipvs/step.ts";
import type { IpvsPort } from "../../../src/kernel/ports.ts";
import { openIpset } from "../../../src/kernel/real/ipset.ts";
import { openIptables, type IptablesVariantName } from "../../../src/kernel/real/iptables.ts";
import { openIpvs } from "../../../src/kernel/real/ipvs.ts";
import { openRouting } from "../../../src/kernel/real/routing.ts";
import { IptablesChains } from "../../../src/proxy/apply/iptables.ts";
import { IpvsServers } from "../../../src/proxy/apply/ipvs.ts";
import { openServiceAddresses } from "../../../src/proxy/apply/service_addresses.ts";
import { Ruleset as IptablesRuleset } from "../../../src/proxy/modes/iptables/ruleset.ts";
import { Ruleset as IpvsRuleset } from "../../../src/proxy/modes/ipvs/ruleset.ts";
import type { Cleanup } from "../../driver.ts";
import {
  endpointAddress,
  endpointAddresses,
  serviceObject,
  sliceObject,
  type ProxyParameters,
} from "../proxy/content.ts";
import { tableOptions, want } from "../proxy/table.ts";
import { changeOf, restoreText, stepsOf } from "./content.ts";
import { balancedByIptables, balancedByIpvs } from "./listing.ts";

export const guestSystems = ["port", "ipvsadm", "ipvs mode", "iptables mode, nft", "iptables mode, legacy"] as const;
export type GuestSystem = (typeof guestSystems)[number];

export interface Prepared {
  /** All Services into an empty namespace. */
  load(): Promise<void>;
  /** Replaces the first endpoint of Service `i`, and back with the next turn. */
  change(i: number, turn: number): Promise<void>;
  /** What the kernel has then: each frontend with each backend. */
  balanced(): readonly string[];
}

/** Runs a script in the namespace. */
export type Shell = (script: string) => string;

export function shellOf(path: string): Shell {
  const options = { encoding: "utf8", maxBuffer: 2 ** 30 } as const;
  return (script) => execFileSync("nsenter", [`--net=${path}`, "bash", "-ec", script], options);
}

export async function prepare(
  system: GuestSystem,
  parameters: ProxyParameters,
  namespace: NativeNamespace,
  shell: Shell,
  cleanup: Cleanup,
): Promise<Prepared> {
  switch (system) {
    case "port":
      return byPort(await ipvsPort(namespace, cleanup), parameters, shell);
    case "ipvsadm":
      return byProgram(await ipvsPort(namespace, cleanup), parameters, shell);
    case "ipvs mode":
      return ipvsMode(namespace, parameters, shell, cleanup);
    case "iptables mode, nft":
      return iptablesMode("nft", namespace, parameters, shell);
    case "iptables mode, legacy":
      return iptablesMode("legacy", namespace, parameters, shell);
  }
}

async function ipvsPort(namespace: NativeNamespace, cleanup: Cleanup): Promise<IpvsPort> {
  const port = await openIpvs({ namespace });
  if (!port) throw new Error("this kernel has no IPVS");
  cleanup.add(() => port.close());
  return port;
}

async function apply(port: IpvsPort, steps: readonly IpvsStep[]): Promise<void> {
  const failed = (await port.apply(steps)).find((error) => error !== null);
  if (failed) throw failed;
}

const ipvsListing = (shell: Shell) => (): readonly string[] => balancedByIpvs(shell("ipvsadm --save --numeric"));

function byPort(port: IpvsPort, parameters: ProxyParameters, shell: Shell): Prepared {
  const steps = stepsOf(parameters);
  return {
    load: () => apply(port, steps),
    change: (i, turn) => apply(port, changeOf(i, turn)),
    balanced: ipvsListing(shell),
  };
}

function byProgram(port: IpvsPort, parameters: ProxyParameters, shell: Shell): Prepared {
  writeFileSync("/dev/shm/services", restoreText(parameters));
  return {
    load: () => Promise.resolve(void shell("ipvsadm --restore < /dev/shm/services")),
    change: (i, turn) => apply(port, changeOf(i, turn)),
    balanced: ipvsListing(shell),
  };
}

/** All that it programs: virtual servers, elements of sets, rules and addresses. */
async function ipvsMode(
  namespace: NativeNamespace,
  parameters: ProxyParameters,
  shell: Shell,
  cleanup: Cleanup,
): Promise<Prepared> {
  const [ipvs, ipset, routing] = [
    await ipvsPort(namespace, cleanup),
    await openIpset({ namespace }),
    await openRouting({ namespace }),
  ];
  cleanup.add(() => ipset.close());
  cleanup.add(() => routing.close());
  const ruleset = new IpvsRuleset({
    ...tableOptions,
    localAddresses: [],
    masqueradeAll: false,
    randomFully: true,
    scheduler: "rr",
    lackingSchedulers: [],
    excludeCidrs: [],
  });
  const addresses = await openServiceAddresses(routing);
  const ports = { ipvs, ipset, addresses, iptables: openIptables("iptables", "nft", namespace) };
  const servers = new IpvsServers(ports, ruleset, { now: () => Date.now() });
  return { ...byMode(ruleset, servers, parameters), balanced: ipvsListing(shell) };
}

function iptablesMode(
  variant: IptablesVariantName,
  namespace: NativeNamespace,
  parameters: ProxyParameters,
  shell: Shell,
): Prepared {
  const ruleset = new IptablesRuleset({
    ...tableOptions,
    nodePortsEverywhere: true,
    localhostNodePorts: false,
    randomFully: true,
    tcpBeLiberal: false,
  });
  const chains = new IptablesChains(openIptables("iptables", variant, namespace), ruleset);
  return {
    ...byMode(ruleset, chains, parameters),
    balanced: () => balancedByIptables(shell(`iptables-${variant}-save -t nat`)),
  };
}

/** From what Services want to what the kernel has, by way of observing it at the load. */
function byMode(
  ruleset: Parameters<typeof want>[0],
  rules: Pick<IptablesChains, "sync" | "repair">,
  parameters: ProxyParameters,
): Pick<Prepared, "load" | "change"> {
  const set = (i: number, addresses: readonly string[]): void =>
    want(ruleset, serviceObject(i), sliceObject(i, addresses));
  for (let i = 0; i < parameters.services; i++) set(i, endpointAddresses(i, parameters));
  return {
    load: async () => void (await rules.repair()),
    change: async (i, turn) => {
      const others = endpointAddresses(i, parameters).slice(1);
      set(i, [endpointAddress(i, 0, turn % 2 === 0 ? 1 : 0), ...others]);
      await rules.sync();
    },
  };
}

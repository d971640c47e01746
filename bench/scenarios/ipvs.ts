import { direct } from "../../test/vm/harness/instructions/scenarios.ts";
import { byIpvsadm, byPort, iptablesModes, ipvsMode, type IpvsLoadParameters } from "../drivers/ipvs/load.ts";
import { ipvsPath } from "../drivers/ipvs/path.ts";
import { kernelPathDriver, type PathParameters } from "../drivers/kernel_path.ts";
import type { Scenario } from "../scenario.ts";

/** The kernel of this host may have no IPVS: what it takes is counted in the virtual machine, where time means nothing. */
export const ipvsLoad: Scenario<IpvsLoadParameters> = {
  name: "ipvs-load",
  what: "instructions of all Services of a cluster into IPVS, then of single changes, with 10 Services and with all",
  figure: "load",
  better: "lower",
  parameters: { services: 10_000, endpoints: 4, changes: 400 },
  drivers: [byPort, byIpvsadm],
  compared: true,
  rounds: 2,
  warmUp: 0,
  precision: { kind: "repeatable", within: 0.05 },
  targets: [
    { kind: "ratio", rival: byIpvsadm.name, atLeast: 1 },
    { kind: "figure", driver: byPort.name, figure: "change, 10 / all", atLeast: 0.95 },
  ],
};

/** The mode whole against the iptables mode, at one size. */
export const ipvsModes: Scenario<IpvsLoadParameters> = {
  name: "ipvs-iptables",
  what: "instructions of all Services of a cluster by the ipvs mode and by the iptables mode, then of single changes",
  figure: "load",
  better: "lower",
  parameters: { services: 1000, endpoints: 4, changes: 60 },
  drivers: [ipvsMode, ...iptablesModes],
  compared: true,
  rounds: 1,
  warmUp: 0,
  precision: { kind: "repeatable", within: 0.05 },
  targets: [
    ...iptablesModes.map(({ name }) => ({ kind: "ratio", rival: name, atLeast: 1 }) as const),
    { kind: "figure", driver: ipvsMode.name, figure: "change, 10 / all", atLeast: 0.95 },
  ],
};

const plain = { reroute: false } as const;
const masquerade = { masquerade: true, reroute: false } as const;
const tracked = { masquerade: true, conntrack: true, reroute: false } as const;

export const ipvsPathScenario: Scenario<PathParameters> = {
  name: "ipvs-path",
  what: "instructions of the kernel per connection through IPVS without snat_reroute, against a direct connection",
  figure: "instructions",
  better: "lower",
  parameters: { connections: 100, batches: 15 },
  drivers: [
    kernelPathDriver("10,000 Services", ipvsPath(10_000, plain)),
    kernelPathDriver("10 Services", ipvsPath(10, plain)),
    kernelPathDriver("direct", direct),
    kernelPathDriver("10,000, snat_reroute", ipvsPath(10_000)),
    kernelPathDriver("10,000, masquerade", ipvsPath(10_000, masquerade)),
    kernelPathDriver("10,000, vs.conntrack", ipvsPath(10_000, tracked)),
    kernelPathDriver("10, vs.conntrack", ipvsPath(10, tracked)),
  ],
  compared: true,
  rounds: 2,
  warmUp: 0,
  precision: { kind: "repeatable", within: 0.01 },
  targets: [
    { kind: "ratio", rival: "direct", atLeast: 0.89 },
    { kind: "ratio", rival: "10 Services", atLeast: 0.98 },
  ],
};

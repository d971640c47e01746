/** All Services of a cluster into the kernel, and single changes, counted in the deterministic virtual machine. */
import path from "node:path";
import { quote } from "../../../test/vm/harness/quote.ts";
import { defaultMachine } from "../../../test/vm/harness/machine.ts";
import { repositoryRoot } from "../../../test/vm/harness/paths.ts";
import { runInVm } from "../../../test/vm/harness/run.ts";
import type { Driver } from "../../driver.ts";
import { missingProgram } from "../../namespace.ts";
import type { ProxyParameters } from "../proxy/content.ts";
import type { GuestResult } from "./guest.ts";
import type { GuestSystem } from "./guest_systems.ts";

export type IpvsLoadParameters = ProxyParameters & {
  /** Changes that are counted, each of one endpoint of another Service; of what runs programs a twentieth. */
  readonly changes: number;
};

/** As it was built: tests run what is not, and the guest has node alone. */
const guest = path.join(repositoryRoot, "dist/bench/drivers/ipvs/guest.js");
/** Of the host: emulation is some thirty times slower than the machine. */
const timeoutMs = 1_800_000;

/** Changes counted together, and how many are made before any counts: by then code is compiled. */
const byNetlink = { batch: 20, warmUp: 2000 } as const;
/** One takes as much as thousands by netlink; with many Services the load has compiled what there is. */
const byPrograms = { batch: 1, warmUp: 3, warmUpOfFew: 300 } as const;
const few = 10;

/** Runs guest.ts in a machine that is started for it. */
export async function runGuest(
  system: GuestSystem,
  { services, endpoints, changes }: IpvsLoadParameters,
): Promise<GuestResult> {
  const isByPrograms = system.startsWith("iptables");
  const { batch } = isByPrograms ? byPrograms : byNetlink;
  const warmUp =
    isByPrograms && services <= few ? byPrograms.warmUpOfFew : (isByPrograms ? byPrograms : byNetlink).warmUp;
  const counted = Math.ceil(changes / byNetlink.batch) * batch;
  const command = ["node", guest, system, services, endpoints, counted, warmUp, batch];
  const { exitCode, stdout, stderr } = await runInVm({
    script: `modprobe -a ip_vs ip_vs_rr\n${command.map((word) => quote(String(word))).join(" ")}`,
    machine: { ...defaultMachine(), clock: "instructions", cpus: 1 },
    timeoutMs,
  });
  if (exitCode !== 0) throw new Error(`the measurement failed in the guest: ${stdout}${stderr}`);
  return JSON.parse(stdout) as GuestResult;
}

const missingMachine = (): string | undefined => missingProgram("qemu-system-x86_64");

/** With all Services, and again with ten. */
function loadDriver(name: string, what: string, system: GuestSystem): Driver<IpvsLoadParameters> {
  return {
    name,
    what,
    missing: missingMachine,
    prepare: async (parameters) => async () => {
      const large = await runGuest(system, parameters);
      const small = await runGuest(system, { ...parameters, services: few });
      return {
        figures: {
          load: { value: large.load, unit: "million instructions" },
          change: { value: large.change, unit: "thousand instructions" },
          "change at 10": { value: small.change, unit: "thousand instructions" },
          "change, 10 / all": { value: small.change / large.change, unit: "×" },
        },
        outcome: large.outcome,
      };
    },
  };
}

export const byPort = loadDriver(
  "fairlead",
  "steps to IPVS by the port, encoding included; then changes of one endpoint each",
  "port",
);
export const ipvsMode = loadDriver(
  "ipvs mode",
  "the mode whole, from what Services want: plan, virtual servers, sets, rules, addresses",
  "ipvs mode",
);
export const iptablesModes = (["nft", "legacy"] as const).map((variant) =>
  loadDriver(
    `iptables, ${variant}`,
    `the iptables mode whole, by iptables-${variant}-restore`,
    `iptables mode, ${variant}`,
  ),
);

export const byIpvsadm: Driver<IpvsLoadParameters> = {
  name: "ipvsadm --restore",
  what: "the same Services as text, read by ipvsadm",
  missing: () => missingMachine() ?? missingProgram("ipvsadm"),
  prepare: async (parameters) => async () => {
    const { load, outcome } = await runGuest("ipvsadm", { ...parameters, changes: 0 });
    return { figures: { load: { value: load, unit: "million instructions" } }, outcome };
  },
};

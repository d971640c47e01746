/** All Services of a cluster into IPVS, and single changes, counted in the deterministic virtual machine. */
import path from "node:path";
import { quote } from "../../../test/vm/harness/quote.ts";
import { defaultMachine } from "../../../test/vm/harness/machine.ts";
import { repositoryRoot } from "../../../test/vm/harness/paths.ts";
import { runInVm } from "../../../test/vm/harness/run.ts";
import type { Driver } from "../../driver.ts";
import { missingProgram } from "../../namespace.ts";
import type { ProxyParameters } from "../proxy/content.ts";
import type { GuestResult } from "./guest.ts";

export type IpvsLoadParameters = ProxyParameters & {
  /** Changes that are counted, each of one endpoint of another Service. */
  readonly changes: number;
};

/** As it was built: tests run what is not, and the guest has node alone. */
const guest = path.join(repositoryRoot, "dist/bench/drivers/ipvs/guest.js");

/** Runs guest.ts in a machine that is started for it. */
export async function runGuest(
  driver: "fairlead" | "ipvsadm",
  { services, endpoints, changes }: IpvsLoadParameters,
): Promise<GuestResult> {
  const command = ["node", guest, driver, services, endpoints, changes];
  const { exitCode, stdout, stderr } = await runInVm({
    script: `modprobe -a ip_vs ip_vs_rr\n${command.map((word) => quote(String(word))).join(" ")}`,
    machine: { ...defaultMachine(), clock: "instructions", cpus: 1 },
  });
  if (exitCode !== 0) throw new Error(`the measurement failed in the guest: ${stdout}${stderr}`);
  return JSON.parse(stdout) as GuestResult;
}

export const byPort: Driver<IpvsLoadParameters> = {
  name: "fairlead",
  what: "steps to IPVS by the port, encoding included; then changes of one endpoint each",
  missing: () => missingProgram("qemu-system-x86_64"),
  prepare: async (parameters) => async () => {
    const large = await runGuest("fairlead", parameters);
    const small = await runGuest("fairlead", { ...parameters, services: 10 });
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

export const byIpvsadm: Driver<IpvsLoadParameters> = {
  name: "ipvsadm --restore",
  what: "the same Services as text, read by ipvsadm",
  missing: () => missingProgram("qemu-system-x86_64") ?? missingProgram("ipvsadm"),
  prepare: async (parameters) => async () => {
    const { load, outcome } = await runGuest("ipvsadm", { ...parameters, changes: -1000 });
    return { figures: { load: { value: load, unit: "million instructions" } }, outcome };
  },
};

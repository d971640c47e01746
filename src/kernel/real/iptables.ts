/** iptables of this process's namespace, by its own programs: both variants, both families. */
import { execFile } from "node:child_process";
import { FairleadError } from "../../errors/catalogue.ts";

export interface IptablesPrograms {
  /** "ip6tables-legacy" */
  readonly name: string;
  /** What `-save` prints; "" where there is no such program, or its kernel modules are not there. */
  save(): Promise<string>;
  /** @throws FairleadError NATIVE_CALL with the program's own words */
  restore(input: string): Promise<void>;
}

/** Rulesets of kube-proxy reach tens of MB at 10,000 Services. */
const maxOutputBytes = 512 * 1024 * 1024;
const timeoutMs = 60_000;

export const iptablesVariants: readonly IptablesPrograms[] = ["iptables", "ip6tables"].flatMap((family) =>
  ["nft", "legacy"].map((variant) => programs(`${family}-${variant}`)),
);

function programs(name: string): IptablesPrograms {
  return {
    name,
    save: () => run(`${name}-save`, [], "").catch(() => ""),
    restore: async (input) => {
      await run(`${name}-restore`, ["--noflush"], input);
    },
  };
}

function run(program: string, args: readonly string[], input: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const settings = { timeout: timeoutMs, maxBuffer: maxOutputBytes };
    const child = execFile(program, args, settings, (cause, stdout, stderr) => {
      if (!cause) return resolve(stdout);
      const reason = stderr.trim() || cause.message;
      reject(new FairleadError("NATIVE_CALL", { subject: `run ${program}`, reason, cause }));
    });
    // A program that ends without reading says why by its exit code.
    child.stdin?.on("error", () => undefined);
    child.stdin?.end(input);
  });
}

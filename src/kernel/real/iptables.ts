/** iptables by its own programs: both variants, both families. */
import { FairleadError } from "../../errors/catalogue.ts";
import { messageOf } from "../../errors/message.ts";
import { native, type NamespaceRef, type RunResult } from "../native.ts";
import type { IptablesPort } from "../ports.ts";

/** Rulesets of kube-proxy reach tens of MB at 10,000 Services. */
const maxOutputBytes = 512 * 1024 * 1024;
/** Tens of seconds at 10,000 Services on a busy machine. */
const timeoutMs = 300_000;
/** How long others may hold the lock, in s (upstream: WaitSecondsValue). */
const lockWait = ["-w", "5"] as const;

export type IptablesVariantName = "nft" | "legacy";

/** @param namespace default: this process's own */
export function openIptables(
  program: "iptables" | "ip6tables",
  variant: IptablesVariantName,
  namespace: NamespaceRef = null,
): IptablesPort {
  const name = `${program}-${variant}`;
  const run = async (argv: readonly [string, ...string[]], stdin?: string): Promise<string> => {
    const result = await start(namespace, argv, stdin);
    if (result.status === 0) return result.stdout.toString();
    throw refused(argv, result);
  };
  return {
    name,
    list: (table, { counters = false } = {}) => run([`${name}-save`, "-t", table, ...(counters ? ["-c"] : [])]),
    save: () => run([`${name}-save`]).catch(() => ""),
    restore: async (input) => void (await run([`${name}-restore`, ...lockWait, "--noflush"], input)),
    hasChain: async (table, chain) => {
      const argv = [name, ...lockWait, "-t", table, "-S", chain] as const;
      const result = await start(namespace, argv);
      if (result.status === 0) return true;
      // "No chain/target/match by that name"; both variants use the status for that (xshared.h, PARAMETER_PROBLEM is 2).
      if (result.status === 1) return false;
      throw refused(argv, result);
    },
  };
}

/** All of this process's namespace. */
export const iptablesVariants: readonly IptablesPort[] = (["iptables", "ip6tables"] as const).flatMap((program) =>
  (["nft", "legacy"] as const).map((variant) => openIptables(program, variant)),
);

/** "iptables v1.8.9 (nf_tables)", of the program that others call; "" where there is none. */
export async function iptablesVersion(): Promise<string> {
  const result = await start(null, ["iptables", "--version"]).catch(() => undefined);
  return result?.stdout.toString().trim() ?? "";
}

async function start(
  namespace: NamespaceRef,
  argv: readonly [string, ...string[]],
  stdin?: string,
): Promise<RunResult> {
  const input = stdin === undefined ? {} : { stdin: Buffer.from(stdin) };
  return native()
    .runInNamespace(namespace, { argv, timeoutMs, maxOutputBytes, ...input })
    .catch((cause: unknown) => {
      throw new FairleadError("NATIVE_CALL", { subject: `run ${argv[0]}`, reason: messageOf(cause), cause });
    });
}

function refused(argv: readonly string[], { status, signal, stderr }: RunResult): FairleadError {
  const reason = stderr.toString().trim() || (status === null ? `signal ${signal}` : `status ${status}`);
  return new FairleadError("NATIVE_CALL", { subject: `run ${argv[0]}`, reason });
}

/** Packets between two pods: how many, and what they cost both ends. */
import { execFileSync } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import type { NativeNamespace } from "../../../src/kernel/native.ts";
import type { Cleanup, Driver, Measurement } from "../../driver.ts";
import { missingProgram, runProgram } from "../../namespace.ts";

export type Traffic = "stream" | "rr" | "crr";

const source = fileURLToPath(new URL("traffic.c", import.meta.url)).replace("/dist/", "/");
let program: string | undefined;

/** Compiled once: it would else be most of a round. */
function compiled(): string {
  if (program !== undefined) return program;
  const folder = mkdtempSync(path.join(tmpdir(), `fairlead-bench-${process.pid}-`));
  process.once("exit", () => execFileSync("rm", ["-r", folder]));
  program = path.join(folder, "traffic");
  execFileSync("gcc", ["-O2", "-Wall", "-Wextra", "-o", program, source]);
  return program;
}

/** A path by which another process finds a namespace of this one. */
export function pathOf({ fd }: NativeNamespace): string {
  return `/proc/${process.pid}/fd/${fd}`;
}

export type TrafficParameters = {
  /** Of one measurement. */
  readonly milliseconds: number;
  /** 1: both ends share one; 2: each has its own. */
  readonly processors: number;
};

export interface Ends {
  readonly client: NativeNamespace;
  readonly server: NativeNamespace;
  readonly address: string;
}

/**
 * A network that is made once, before the first round: what a round then takes is traffic, so that there can be many,
 * and those of two drivers lie close to one another in time.
 */
export function trafficDriver(
  named: { readonly name: string; readonly what: string },
  traffic: Traffic,
  make: (cleanup: Cleanup) => Promise<Ends>,
): Driver<TrafficParameters> {
  let ends: Ends;
  return {
    ...named,
    missing: () => missingProgram("gcc"),
    async once(_, cleanup) {
      ends = await make(cleanup);
    },
    prepare: (parameters) => Promise.resolve(() => measureTraffic(ends, traffic, parameters)),
  };
}

async function measureTraffic(
  { client, server, address }: Ends,
  traffic: Traffic,
  { milliseconds, processors }: TrafficParameters,
): Promise<Measurement> {
  const how = [String(milliseconds), traffic, String(processors)] as const;
  const argv = [compiled(), pathOf(client), pathOf(server), address, "8080", ...how] as const;
  const [count = 0, seconds = 1, processor = 0] = (await runProgram(client, [...argv])).split(" ").map(Number);
  const each = traffic === "stream" ? 2 ** 20 : 1;
  const unit = traffic === "stream" ? "MiB" : traffic === "rr" ? "exchange" : "connection";
  return {
    figures: {
      rate: { value: count / each / seconds, unit: `${unit}s/s` },
      cpu: { value: (processor * 1e6 * each) / count, unit: `µs/${unit}` },
    },
  };
}

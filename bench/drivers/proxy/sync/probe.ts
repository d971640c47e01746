/** Connects to the first Service without end, and sees when other endpoints answer. */
import { execFileSync, type ChildProcess } from "node:child_process";
import path from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Cleanup } from "../../../driver.ts";
import { scratchFolder } from "../../../namespace.ts";
import { end } from "../../api/processes.ts";
import { clusterIp, servicePort, targetPort } from "../content.ts";
import { groups, spawnIn, type Network } from "./network.ts";

const source = fileURLToPath(new URL("probe.c", import.meta.url)).replace("/dist/", "/");

export class Probe {
  readonly #seen: { readonly atMs: number; readonly group: number }[] = [];
  #look: () => void = () => undefined;

  private constructor(child: ChildProcess) {
    createInterface({ input: child.stdout! }).on("line", (line) => {
      const [ns = "", last = ""] = line.split(" ");
      const group = groups.findIndex((addresses) => addresses.some((address) => address.endsWith(`.${last}`)));
      this.#seen.push({ atMs: Number(BigInt(ns)) / 1e6, group });
      this.#look();
    });
  }

  /** @param periodUs time between two connections: how exact a time is */
  static start({ client, server }: Network, periodUs: number, cleanup: Cleanup): Probe {
    const program = path.join(scratchFolder(cleanup), "probe");
    execFileSync("gcc", ["-O2", "-Wall", "-Wextra", "-o", program, source]);
    const ends = [client, server, clusterIp(0), servicePort, targetPort, periodUs].map(String);
    const child = spawnIn(client, [program, ...ends], { stdio: ["pipe", "pipe", "inherit"] });
    cleanup.add(() => end(child));
    return new Probe(child);
  }

  /** Waits until this group answers. @returns when that connection was begun, in ms of CLOCK_MONOTONIC */
  async answeredBy(group: number, timeoutMs: number): Promise<number> {
    const last = (): number | undefined => {
      const seen = this.#seen.at(-1);
      return seen?.group === group ? seen.atMs : undefined;
    };
    const at = last();
    if (at !== undefined) return at;
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`new endpoints do not answer within ${timeoutMs} ms`)), timeoutMs);
      this.#look = () => {
        const now = last();
        if (now === undefined) return;
        clearTimeout(late);
        resolve(now);
      };
    });
  }
}

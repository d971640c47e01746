/** What a node's agent costs when all its pods run and nothing changes but what probes ask. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Driver } from "../../driver.ts";
import { figure } from "../api/measured.ts";
import { cpuMs, residentMegabytes } from "../api/processes.ts";
import { openClient } from "./client.ts";
import { fairleadKubelet, fairleadNode, upstreamKubelet, type KubeletSystem } from "./systems.ts";

export interface IdleParameters {
  readonly [name: string]: number;
  readonly pods: number;
  /** How long it is looked at. */
  readonly seconds: number;
  /** How long before nothing counts. */
  readonly settleSeconds: number;
}

function driverOf(system: KubeletSystem): Driver<IdleParameters> {
  return {
    name: system.name,
    what: system.what,
    missing: system.missing,
    async prepare({ pods, settleSeconds, seconds }, cleanup) {
      const node = await system.start();
      cleanup.add(() => node.stop());
      const client = await openClient(node, cleanup);
      const pid = node.kubeletPid();
      const startedMb = residentMegabytes(pid);
      await client.probed(pods);
      await sleep(settleSeconds * 1000);
      return async () => {
        const [before, begun] = [cpuMs(pid), performance.now()];
        await sleep(seconds * 1000);
        const share = (cpuMs(pid) - before) / (performance.now() - begun);
        return {
          figures: {
            cpu: figure(share * 100, "% of a core"),
            rss: figure(residentMegabytes(pid), "MB"),
            "rss without pods": figure(startedMb, "MB"),
          },
        };
      };
    },
  };
}

export const idleDrivers = [fairleadKubelet, fairleadNode, upstreamKubelet].map(driverOf);

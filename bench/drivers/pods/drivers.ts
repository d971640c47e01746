/** Kubelets from a pod's create until it is Ready, each beside the floor below every kubelet: the same calls alone. */
import type { Driver, Figure, Measurement } from "../../driver.ts";
import { figure } from "../api/measured.ts";
import { cpuMs } from "../api/processes.ts";
import { openClient } from "./client.ts";
import { openFloor } from "./floor.ts";
import { fairleadKubelet, upstreamKubelet, type KubeletSystem } from "./systems.ts";

export interface PodStartParameters {
  readonly [name: string]: number;
  /** Starts of one round; the first two are left out. */
  readonly starts: number;
  /** Pods of one start, all at once. */
  readonly pods: number;
}

const warmUp = 2;

/** The floor comes between any two starts: what others do on the machine is done to both. */
function driverOf(system: KubeletSystem): Driver<PodStartParameters> {
  return {
    name: system.name,
    what: system.what,
    missing: system.missing,
    async prepare({ starts, pods }, cleanup) {
      const node = await system.start();
      cleanup.add(() => node.stop());
      const client = await openClient(node, cleanup);
      const floor = await openFloor(cleanup);
      return async () => {
        const [ready, calls, cpu]: [number[], number[], number[]] = [[], [], []];
        for (let i = 0; i < starts + warmUp; i++) {
          const before = cpuMs(node.kubeletPid());
          ready.push(await client.pods(pods));
          cpu.push((cpuMs(node.kubeletPid()) - before) / pods);
          calls.push(await floor.pods(pods));
        }
        return measured(ready.slice(warmUp), calls.slice(warmUp), cpu.slice(warmUp));
      };
    },
  };
}

export const podStartDrivers = [fairleadKubelet, upstreamKubelet].map(driverOf);

function measured(ready: readonly number[], calls: readonly number[], cpu: readonly number[]): Measurement {
  const over = ready.map((ms, i) => ms - calls[i]!);
  const ms = (value: number): Figure => figure(value, "ms");
  return {
    figures: {
      ready: ms(at(ready, 0.5)),
      p90: ms(at(ready, 0.9)),
      least: ms(at(ready, 0)),
      "the same calls": ms(at(calls, 0.5)),
      "over them": ms(at(over, 0.5)),
      // From its create until it is gone: it says the same whatever else the machine does.
      "cpu per pod": ms(cpu.reduce((sum, one) => sum + one, 0) / cpu.length),
    },
  };
}

function at(all: readonly number[], share: number): number {
  const sorted = [...all].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!;
}

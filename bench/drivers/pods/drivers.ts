/** One pod at a time, from its create until it is Ready: a kubelet, and the floor below every kubelet. */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { startContainerd } from "../../../test/fixtures/containerd.ts";
import { startKubeletNode } from "../../../test/fixtures/kubelet_node.ts";
import type { Driver, Measurement } from "../../driver.ts";
import { openFloor, startByCalls } from "./floor.ts";

export interface PodStartParameters {
  readonly [name: string]: number;
  /** Pods of one round, one at a time; the first is left out. */
  readonly pods: number;
}

const run = promisify(execFile);
const timeoutMs = 300_000;

function missing(): string | undefined {
  return existsSync("/usr/bin/containerd") ? undefined : "containerd is not installed";
}

function measured(all: readonly number[]): Measurement {
  const sorted = all.slice(1).sort((a, b) => a - b);
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!;
  return {
    figures: {
      ready: { value: at(0.5), unit: "ms" },
      p90: { value: at(0.9), unit: "ms" },
      least: { value: sorted[0]!, unit: "ms" },
    },
  };
}

export const fairleadKubelet: Driver<PodStartParameters> = {
  name: "fairlead kubelet",
  what: "create at the API until Ready is seen there; fairlead server, containerd, Debian's bridge plugin",
  missing,
  async prepare({ pods }, cleanup) {
    const node = await startKubeletNode();
    cleanup.add(() => node.stop());
    return async () => {
      const script = path.resolve("dist/bench/drivers/pods/client.js");
      const args = [`--net=${node.containerd.namespace}`, process.execPath, script];
      const { stdout } = await run("nsenter", [...args, node.kubeconfig, node.containerd.image, String(pods)], {
        timeout: timeoutMs,
      });
      return measured(JSON.parse(stdout) as number[]);
    };
  },
};

export const floor: Driver<PodStartParameters> = {
  name: "the same CRI calls",
  what: "RunPodSandbox, PodSandboxStatus, CreateContainer, StartContainer, ContainerStatus, back to back",
  missing,
  async prepare({ pods }, cleanup) {
    const containerd = await startContainerd();
    cleanup.add(() => containerd.stop());
    const runtime = openFloor(containerd);
    cleanup.add(() => runtime.close());
    return async () => {
      const took: number[] = [];
      for (let i = 0; i < pods; i++) took.push(await startByCalls(containerd, runtime));
      return measured(took);
    };
  },
};

/** Who makes pods: a process beside the API server, which is told what to make and says how long it took. */
import { spawn } from "node:child_process";
import path from "node:path";
import { createInterface } from "node:readline";
import type { KubeletNode } from "../../../test/fixtures/kubelet_node.ts";
import type { Cleanup } from "../../driver.ts";
import { end } from "../api/processes.ts";

/** The most that one command may take, in ms. */
const timeoutMs = 600_000;

export interface PodClient {
  /** Pods without probes, all at once, which are taken away behind it. @returns ms until all were ready */
  pods(count: number): Promise<number>;
  /** Pods with probes, which stay. @returns ms until all were ready */
  probed(count: number): Promise<number>;
}

export async function openClient(node: KubeletNode, cleanup: Cleanup): Promise<PodClient> {
  const script = path.resolve("dist/bench/drivers/pods/client_process.js");
  const args = [`--net=${node.containerd.namespace}`, process.execPath, script];
  const child = spawn("nsenter", [...args, node.kubeconfig, node.containerd.image], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  cleanup.add(() => end(child));
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const answer = async (): Promise<number> => {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`no pods within ${timeoutMs} ms`)), timeoutMs);
    });
    try {
      const next: IteratorResult<string, unknown> = await Promise.race([answers.next(), late]);
      if (next.done) throw new Error("the client ended");
      return Number(next.value);
    } finally {
      clearTimeout(timer);
    }
  };
  const ask = (command: string): Promise<number> => {
    child.stdin.write(`${command}\n`);
    return answer();
  };
  await answer();
  return { pods: (count) => ask(`pods ${count}`), probed: (count) => ask(`probed ${count}`) };
}

/** Fairlead's plugin, and an agent in a process of its own that does the work. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { fileURLToPath } from "node:url";
import type { NativeNamespace } from "../../../src/kernel/native.ts";
import type { Cleanup, Driver } from "../../driver.ts";
import { missingProgram, scratchFolder } from "../../namespace.ts";
import { freshNode, measureCalls, subnet, type CniParameters } from "./plan.ts";

/** Compiled, this file is in dist/bench/drivers/cni. */
const folder = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../../../cni");

export const fairleadCni: Driver<CniParameters> = {
  name: "fairlead-cni",
  what: "the static shim, and the agent that makes a routed veth by netlink",
  missing: () => missingProgram("nsenter"),
  async prepare(parameters, cleanup) {
    const scratch = scratchFolder(cleanup);
    const socket = path.join(scratch, "agent/cni.sock");
    const node = await freshNode(cleanup);
    await startAgent(node, [socket, path.join(scratch, "state")], cleanup);
    const ipam = { ranges: [[{ subnet }]] };
    const config = { cniVersion: "1.0.0", name: "bench", type: "fairlead-cni", ipMasq: true, ipam, socket };
    const plugin = { node, program: path.join(folder, "fairlead-cni"), folder, config };
    return () => measureCalls(plugin, parameters);
  },
};

async function startAgent(node: NativeNamespace, args: readonly string[], cleanup: Cleanup): Promise<void> {
  const script = fileURLToPath(new URL("./agent.js", import.meta.url));
  const command = [`--net=/proc/${process.pid}/fd/${node.fd}`, process.execPath, script, ...args];
  const agent = spawn("nsenter", command, { stdio: ["pipe", "pipe", "inherit"] });
  cleanup.add(() => ended(agent));
  const ready = once(agent.stdout, "data").then(() => "ready");
  const outcome = await Promise.race([ready, once(agent, "exit").then(() => "ended")]);
  if (outcome !== "ready") throw new Error("the agent ended at its start");
}

async function ended(agent: ChildProcess): Promise<void> {
  if (agent.exitCode !== null || agent.signalCode !== null) return;
  const exit = once(agent, "exit");
  agent.stdin?.end();
  const timer = setTimeout(() => agent.kill("SIGKILL"), 10_000);
  await exit;
  clearTimeout(timer);
}

/** `fairlead server` acts on what it serves: its controllers, and the flags that leave them out. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { freePort } from "../fixtures/etcd.ts";
import { eventually } from "../fixtures/eventually.ts";
import { environment, launcher, startServerProcess, type ServerProcess } from "../fixtures/fairlead_server.ts";
import { startHollowProcess } from "../fixtures/hollow.ts";

let folder: string;
let server: ServerProcess | undefined;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "fairlead-acts-"));
});
afterEach(async () => {
  server?.signal("SIGKILL");
  await server?.exited;
  server = undefined;
  rmSync(folder, { recursive: true, force: true });
});

async function start(...flags: string[]): Promise<ServerProcess> {
  server = await startServerProcess(path.join(folder, "data"), ["--secure-port", "0", ...flags]);
  return server;
}

const names = async (running: ServerProcess): Promise<string> => running.run(["get", "namespaces", "-o", "name"]);

describe("controllers in the server", () => {
  it("empty a namespace, over a kill and a restart that leaves them out for a while", async () => {
    const first = await start("--controllers=*,-namespace-controller");
    await first.run(["create", "namespace", "old"]);
    await first.run(["create", "configmap", "inside", "-n", "old"]);
    await first.run(["delete", "namespace", "old", "--wait=false"]);
    expect(await first.run(["get", "namespace", "old"])).toContain("Terminating");
    first.signal("SIGKILL");
    await first.exited;
    const second = await start();
    await eventually("the namespace's end", async () => !(await names(second)).includes("/old"), 20_000);
    second.signal("SIGTERM");
    expect(await second.exited).toBe(0);
    expect(second.log().filter(({ level }) => level === "error")).toEqual([]);
  });
});

describe("a server that is killed in the middle of a rollout", () => {
  it("finishes it when it is started again", async () => {
    const port = ["--secure-port", String(await freePort())];
    const first = await start(...port);
    const hollow = await startHollowProcess(first.kubeconfig, ["--nodes", "20"]);
    try {
      await eventually("the account", async () => (await first.run(["get", "sa"])).includes("default"), 20_000);
      await first.run(["create", "deployment", "web", "--image=one", "--replicas=60"]);
      await first.run(["rollout", "status", "deployment/web", "--timeout=25s"]);
      // So that its middle lasts.
      await first.run(["patch", "deployment", "web", "-p", '{"spec":{"minReadySeconds":2}}']);
      await first.run(["set", "image", "deployment/web", "*=two"]);
      const updated = ["get", "deployment", "web", "-o", "jsonpath={.status.updatedReplicas}"];
      await eventually("the rollout's begin", async () => Number(await first.run(updated)) > 0, 20_000);
      first.signal("SIGKILL");
      await first.exited;
      const second = await start(...port);
      expect(Number(await second.run(updated))).toBeLessThan(60);
      await second.run(["rollout", "status", "deployment/web", "--timeout=28s"]);
      const images = await second.run(["get", "pods", "-o", "jsonpath={.items[*].spec.containers[0].image}"]);
      expect(images.split(" ").filter((image) => image === "two")).toHaveLength(60);
      const sets = await second.run(["get", "rs", "-o", "jsonpath={.items[*].spec.replicas}"]);
      expect(sets.split(" ").sort()).toEqual(["0", "60"]);
    } finally {
      await hollow.stop();
    }
  });
});

describe("flags that are wrong", () => {
  it.each([
    ["--controllers=*,-nobody", '"-nobody" is not in the list of known controllers'],
    ["--node-monitor-grace-period=50", "It must be a duration like 50s or 1h30m."],
    ["--load-balancer-pool=10.0.0.1-fd00::1", '"10.0.0.1-fd00::1" is no address and no range of them.'],
    ["--leader-elect=perhaps", "It must be true or false."],
    ["--allocate-node-cidrs", "option '--allocate-node-cidrs' needs --cluster-cidr"],
  ])("%s ends with 2", (flag, message) => {
    const args = ["server", "--data-dir", folder, flag];
    const { status, stderr } = spawnSync(launcher, args, { env: environment, encoding: "utf8", timeout: 30_000 });
    expect(stderr).toContain(message);
    expect(status).toBe(2);
  });
});

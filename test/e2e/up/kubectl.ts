/** What people do with kubectl, each followed by real traffic or a real effect. */
import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { UpCluster } from "../../fixtures/up_cluster.ts";
import { workbench } from "../../fixtures/up_images.ts";
import { UpPlace } from "../../fixtures/up_place.ts";

const [v1, v2] = workbench;

export function kubectlCases(cluster: UpCluster): void {
  describe("kubectl", () => {
    it.concurrent("creates, exposes, scales, updates, undoes and deletes a Deployment", async () => {
      const place = await UpPlace.make(cluster, "life");
      await place.run("create", "deployment", "web", `--image=${v1}`, "--replicas=2");
      await place.rolledOut("deployment/web");
      await place.run("expose", "deployment", "web", "--port=80", "--target-port=8080");
      await place.run(
        "expose",
        "deployment",
        "web",
        "--name=out",
        "--type=NodePort",
        "--port=80",
        "--target-port=8080",
      );
      const clusterIp = await place.field("service web", ".spec.clusterIP");
      const nodePort = await place.field("service out", ".spec.ports[0].nodePort");
      await place.answering(2, clusterIp, 80, /version v1$/);
      await place.answering(2, UpCluster.nodeIp, nodePort, /version v1$/);

      await place.run("scale", "deployment", "web", "--replicas=3");
      await place.rolledOut("deployment/web");
      await place.answering(3, clusterIp, 80);

      await place.run("set", "image", "deployment/web", `workbench=${v2}`);
      expect(await place.rolledOut("deployment/web")).toContain('deployment "web" successfully rolled out');
      await place.answering(3, clusterIp, 80, /version v2$/);

      expect(await place.run("rollout", "undo", "deployment/web")).toBe("deployment.apps/web rolled back\n");
      await place.rolledOut("deployment/web");
      await place.answering(3, UpCluster.nodeIp, nodePort, /version v1$/);
      expect(await place.run("rollout", "history", "deployment/web")).toMatch(/^2 .*\n3 /m);

      await place.run("delete", "deployment/web", "service/web", "service/out");
      // The address is nobody's from now on: what is sent there leaves the node.
      await place.eventually("a refusal", () =>
        place.answers(UpCluster.nodeIp, nodePort, 1).then(
          () => false,
          (error: Error) => error.message.includes("refused"),
        ),
      );
      await expect(place.answers(clusterIp, 80, 1)).rejects.toThrow("echo get");
    });

    it.concurrent("follows logs, and copies files there and back", async () => {
      const place = await UpPlace.make(cluster, "files");
      await place.run("run", "box", `--image=${v1}`, "--port=8080");
      await place.run("wait", "pod/box", "--for=condition=Ready", "--timeout=60s");
      const logs = place.follow("logs", "-f", "box");
      await logs.says("version v1 serves");
      await place.answers(await place.field("pod box", ".status.podIP"), 8080, 3);
      await logs.says(/(GET \/ HTTP\/1.1\n){3}/);

      const folder = path.join(cluster.folder, "copied");
      mkdirSync(folder);
      const bytes = randomBytes(3_000_000);
      writeFileSync(path.join(folder, "there"), bytes);
      await place.run("cp", path.join(folder, "there"), "box:/tmp/copy");
      expect(await place.run("exec", "box", "--", "stat", "-c", "%s", "/tmp/copy")).toBe("3000000\n");
      await place.run("cp", "box:/tmp/copy", path.join(folder, "back"));
      expect(readFileSync(path.join(folder, "back")).equals(bytes)).toBe(true);

      await place.run("delete", "pod", "box", "--timeout=60s");
      expect(await logs.ended).toBe(0);
    });

    it.concurrent("gives a terminal in a pod that is there, and in one of its own", async () => {
      const place = await UpPlace.make(cluster, "terminal");
      await place.run("run", "box", `--image=${v1}`);
      await place.run("wait", "pod/box", "--for=condition=Ready", "--timeout=60s");
      const shell = place.onTerminal("exec", "-it", "box", "--", "sh");
      await shell.says(/# /);
      shell.type("tty; stty size; echo name=$HOSTNAME\n");
      await shell.says(/\/dev\/pts\/\d+\r\n24 80\r\nname=box\r\n/);
      shell.resize(40, 100);
      await place.eventually("the new size", async () => {
        shell.type("stty size\n");
        return /\n40 100\r\n/.test(await shell.says(/./));
      });
      shell.type("exit 7\n");
      await shell.says(/command terminated with exit code 7/);
      expect(await shell.ended).toBe(7);

      const own = place.onTerminal(
        "run",
        "own",
        `--image=${v1}`,
        "-it",
        "--rm",
        "--restart=Never",
        "--command",
        "--",
        "sh",
      );
      await own.says(/# /);
      own.type("echo $((6 * 7)); exit 0\n");
      await own.says(/\n42\r\n/);
      await own.says(/pod "own" deleted/);
      expect(await own.ended).toBe(0);
      expect((await place.kubectl("get", "pod", "own")).stderr).toContain('pods "own" not found');
    });

    it.concurrent("forwards a port to a pod of a Deployment", async () => {
      const place = await UpPlace.make(cluster, "forward");
      await place.run("create", "deployment", "web", `--image=${v1}`);
      await place.rolledOut("deployment/web");
      const forward = place.follow("port-forward", "deployment/web", ":8080");
      const said = await forward.says(/Forwarding from 127.0.0.1:\d+ -> 8080/);
      const port = /127.0.0.1:(\d+)/.exec(said)![1]!;
      // Each is a stream of its own; containerd 1.6 waits a second behind the end of each.
      expect(Object.values(await place.answers("127.0.0.1", port, 3))).toEqual([3]);
      await forward.stop();
      await expect(place.answers("127.0.0.1", port, 1)).rejects.toThrow(/refused/);
    });

    it.concurrent("says of top what it says where there is no metrics-server", async () => {
      for (const what of ["node", "pod"]) {
        expect(await cluster.kubectl(["top", what])).toMatchObject({
          code: 1,
          stderr: "error: Metrics API not available\n",
        });
      }
    });
  });
}

/** For the node's pods as a whole: not beside others. */
export function drainCase(cluster: UpCluster): void {
  it("drains the node, and gives pods back to it", async () => {
    const place = await UpPlace.make(cluster, "drained");
    await place.run("create", "deployment", "web", `--image=${v1}`, "--replicas=2");
    await place.run("expose", "deployment", "web", "--port=80", "--target-port=8080");
    await place.rolledOut("deployment/web");
    const clusterIp = await place.field("service web", ".spec.clusterIP");
    const before = await place.answering(2, clusterIp, 80);
    const words = ["--ignore-daemonsets", "--delete-emptydir-data", "--force", "--timeout=90s"];
    const said = await cluster.run(["drain", "up-1", ...words]);
    expect(said).toMatch(/pod\/web-\S+ evicted[^]*node\/up-1 drained/);
    expect(await place.field("pods", ".items[*].status.phase")).toBe("Pending Pending");
    expect(await cluster.run(["get", "node", "up-1"])).toContain("Ready,SchedulingDisabled");
    await expect(place.answers(clusterIp, 80, 1)).rejects.toThrow(/refused/);
    await cluster.run(["uncordon", "up-1"]);
    await place.rolledOut("deployment/web");
    const after = await place.answering(2, clusterIp, 80);
    expect(after.filter((one) => before.includes(one))).toEqual([]);
  });
}

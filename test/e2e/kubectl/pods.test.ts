/** What kubectl does in pods, against a kubelet of the tests' own that runs commands and reaches ports on this machine. */
import { createServer } from "node:http";
import { readFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { oldKubectl, onEachStore, type Case } from "../../fixtures/clusters.ts";
import { eventually } from "../../fixtures/eventually.ts";
import { startFakeKubelet, type FakeKubelet } from "../../fixtures/fake_kubelet.ts";
import { podStreams } from "../../fixtures/streams/pod_streams.ts";

const pod = (name: string, containers = ["c"]) => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, labels: { app: "web" } },
  spec: { nodeName: "node-1", containers: containers.map((container) => ({ name: container, image: "app:1" })) },
});
const running = (containers = ["c"]) => ({
  phase: "Running",
  conditions: [{ type: "Ready", status: "True" }],
  containerStatuses: containers.map((name) => ({
    name,
    ready: true,
    restartCount: 0,
    image: "app:1",
    imageID: "",
    state: { running: { startedAt: new Date().toISOString() } },
  })),
});

onEachStore((cluster) => {
  let kubelet: FakeKubelet;
  beforeAll(async () => {
    const { pki } = cluster.api;
    const names = { dns: [], ip: ["127.0.0.1"] };
    const profile = { commonName: "node-1", organizations: [], usage: "server", names } as const;
    const { certificate: cert, key } = await pki.certificate("kubelet", profile);
    kubelet = await startFakeKubelet({
      tls: { cert, key, ca: pki.authorityCertificate, requestCert: true, rejectUnauthorized: true },
      upgrade: podStreams,
      answer({ url = "" }, reply) {
        const [, , , name, container] = new URL(url, "http://kubelet").pathname.split("/");
        reply.write(`${name}/${container}: one\n`);
        if (url.includes("follow")) setTimeout(() => reply.end(`${name}/${container}: two\n`), 200);
        else reply.end();
      },
    });
    const one = await cluster.namespace();
    await one.create({ apiVersion: "v1", kind: "Node", metadata: { name: "node-1" } });
    await one.status("node", "node-1", {
      addresses: [{ type: "InternalIP", address: "127.0.0.1" }],
      daemonEndpoints: { kubeletEndpoint: { Port: kubelet.port } },
    });
  });
  afterAll(() => kubelet.stop());

  const asked = (start: string): boolean => kubelet.asked.some((line) => line.startsWith(start));

  async function withPod(name = "web", containers?: string[]): Promise<Case> {
    const one = await cluster.namespace();
    await one.create(pod(name, containers));
    await one.status("pod", name, running(containers));
    return one;
  }

  describe("kubectl logs", () => {
    it.concurrent("of a pod, a container, all of them, by label and as they come", async () => {
      const one = await withPod("web", ["c", "d"]);
      expect(await one.run("logs", "web", "-c", "d")).toBe("web/d: one");
      // kubectl asks for containers' logs in no order.
      const lines = async (...flags: string[]): Promise<string[]> =>
        (await one.run("logs", "web", ...flags)).split("\n").sort();
      expect(await lines("--all-containers")).toEqual(["web/c: one", "web/d: one"]);
      expect(await lines("--all-containers", "--prefix")).toEqual(["[pod/web/c] web/c: one", "[pod/web/d] web/d: one"]);
      expect(await one.run("logs", "-l", "app=web", "-c", "c")).toBe("web/c: one");
      expect(await one.run("logs", "-f", "web", "-c", "c")).toBe("web/c: one\nweb/c: two");
      await one.run(
        "logs",
        "web",
        "-c",
        "c",
        "--previous",
        "--since=1h",
        "--tail=3",
        "--timestamps",
        "--limit-bytes=9",
      );
      const query = kubelet.asked.find((line) => line.includes("previous") && line.includes(one.name));
      for (const part of ["previous=true", "sinceSeconds=3600", "tailLines=3", "timestamps=true", "limitBytes=9"]) {
        expect(query).toContain(part);
      }
      expect(await one.refused("logs", "web", "-c", "x")).toContain("container x is not valid for pod web");
      expect(await one.old("logs", "web", "c")).toBe("web/c: one");
    });
  });

  describe.each(["new", "old"] as const)("kubectl exec, attach and cp (the %s kubectl)", (age) => {
    const program = age === "old" ? { program: oldKubectl } : {};

    it.concurrent("exec carries output, errors, input and the exit code", async () => {
      const one = await withPod();
      const exec = (script: string, input?: string, ...flags: string[]) =>
        one.kubectl(["exec", ...flags, "web", "--", "sh", "-c", script], { ...program, input });
      expect(await exec("echo out; echo err >&2")).toEqual({ code: 0, stdout: "out\n", stderr: "err\n" });
      expect(await exec("tr a-z A-Z", "said\n", "-i")).toMatchObject({ code: 0, stdout: "SAID\n" });
      expect(asked(`${age === "new" ? "GET" : "POST"} /exec/${one.name}/web/c?`)).toBe(true);
      const failed = await exec("exit 3");
      expect([failed.code, failed.stderr]).toEqual([3, "command terminated with exit code 3\n"]);
      // More than any one frame holds.
      const long = "0123456789abcdef\n".repeat(40_000);
      const echoed = await exec("cat", long, "-i");
      expect(echoed.stdout.length).toBe(long.length);
      expect(echoed.stdout).toBe(long);
    });

    it.concurrent("attach", async () => {
      const one = await withPod();
      const attach = await one.kubectl(["attach", "-i", "web"], { ...program, input: "hello\n" });
      expect(attach.stdout).toBe("attached\nyou said hello\n");
    });

    it.concurrent("cp takes files there and back", async () => {
      const one = await withPod();
      one.file("from/a.txt", "one");
      one.file("from/deep/b.bin", "\u0000".repeat(300_000));
      one.file("there/empty", "");
      const { folder } = one;
      await one.runWith(program, "cp", `${folder}/from`, `web:${folder}/there/copied`);
      expect(readFileSync(`${folder}/there/copied/a.txt`, "utf8")).toBe("one");
      await one.runWith(program, "cp", `web:${folder}/there/copied/deep/b.bin`, `${folder}/back.bin`);
      expect(readFileSync(`${folder}/back.bin`).length).toBe(300_000);
    });
  });

  describe.each(["websocket", "spdy"] as const)("kubectl port-forward (%s)", (carrier) => {
    it.concurrent("carries connections to a pod and to a Service", async () => {
      const one = await withPod();
      const page = "x".repeat(100_000);
      const server = createServer((request, reply) => reply.end(`${request.url} ${page}`));
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      const { port } = server.address() as AddressInfo;
      const service = { selector: { app: "web" }, ports: [{ port: 80, targetPort: port }] };
      await one.create({ apiVersion: "v1", kind: "Service", metadata: { name: "web" }, spec: service });
      const env = { KUBECTL_PORT_FORWARD_WEBSOCKETS: String(carrier === "websocket") };
      for (const [target, to] of [
        ["pod/web", port],
        ["service/web", 80],
      ] as const) {
        const forward = one.followWith({ env }, "port-forward", target, `:${to}`);
        const said = await forward.says(/Forwarding from 127\.0\.0\.1:\d+ -> \d+/);
        const local = Number(/127\.0\.0\.1:(\d+)/.exec(said)![1]);
        const answers = await Promise.all(
          [1, 2, 3].map((i) => fetch(`http://127.0.0.1:${local}/${i}`).then((answer) => answer.text())),
        );
        expect(answers).toEqual([1, 2, 3].map((i) => `/${i} ${page}`));
        await forward.stop();
      }
      expect(asked(`${carrier === "websocket" ? "GET" : "POST"} /portForward/${one.name}/web`)).toBe(true);
      const closed = one.followWith({ env }, "port-forward", "pod/web", ":1");
      const said = await closed.says(/Forwarding from/);
      const local = Number(/127\.0\.0\.1:(\d+)/.exec(said)![1]);
      await expect(fetch(`http://127.0.0.1:${local}/`)).rejects.toThrow();
      await closed.says("ECONNREFUSED");
      await closed.stop();
      server.closeAllConnections();
      server.close();
    });
  });

  describe("kubectl debug and run", () => {
    it.concurrent("debug adds a container, copies a pod, and makes one on a node", async () => {
      const one = await withPod();
      await one.run("debug", "web", "--image=busybox", "--container=eye", "--profile=general", "--attach=false");
      expect((await one.object("pod", "web")).spec.ephemeralContainers).toMatchObject([
        { name: "eye", image: "busybox" },
      ]);
      await one.run(
        "debug",
        "web",
        "--image=busybox",
        "--copy-to=twin",
        "--share-processes",
        "--profile=general",
        "--attach=false",
      );
      const { spec } = await one.object("pod", "twin");
      expect([spec.shareProcessNamespace, spec.containers.length]).toEqual([true, 2]);
      const said = await one.run("debug", "node/node-1", "--image=busybox", "--profile=sysadmin", "--attach=false");
      const name = /Creating debugging pod (\S+) /.exec(said)![1]!;
      expect((await one.object("pod", name)).spec).toMatchObject({
        nodeName: "node-1",
        hostNetwork: true,
        hostPID: true,
      });
    });

    it.concurrent("run -i --rm attaches, and removes the pod", async () => {
      const one = await cluster.namespace();
      const overrides = '{"apiVersion":"v1","spec":{"nodeName":"node-1"}}';
      const flags = [
        "--image=app:1",
        "--restart=Never",
        "-i",
        "--rm",
        `--overrides=${overrides}`,
        "--grace-period=0",
        "--force",
      ];
      const run = one.kubectl(["run", "once", ...flags], { input: "hello\n" });
      await one.run("wait", "--for=create", "pod/once", "--timeout=20s");
      await one.status("pod", "once", running(["once"]));
      const ending = one.run("wait", "--for=delete", "pod/once", "--timeout=20s");
      await eventually("kubectl's attaching", () => asked(`GET /attach/${one.name}/once/`), 20_000);
      const done = { terminated: { exitCode: 0, reason: "Completed" } };
      const containerStatuses = [
        { name: "once", ready: false, restartCount: 0, image: "app:1", imageID: "", state: done },
      ];
      await one.kubectl([
        "patch",
        "pod",
        "once",
        "--subresource=status",
        "--type=merge",
        "-p",
        JSON.stringify({ status: { phase: "Succeeded", containerStatuses } }),
      ]);
      const { code, stdout } = await run;
      expect([code, stdout]).toEqual([0, expect.stringContaining("attached\nyou said hello\n")]);
      await ending;
    });
  });
});

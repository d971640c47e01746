/** `fairlead up` and `down` as a user runs them, with the real kubectl and real traffic, in a network namespace. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually } from "../fixtures/eventually.ts";
import { UpCluster, type Finished } from "../fixtures/up_cluster.ts";

const foreign = `# mine
apiVersion: v1
kind: Config
clusters:
  - name: work # of the office
    cluster:
      server: https://work.example:6443
contexts:
  - name: work
    context: { cluster: work, user: me }
users:
  - name: me
    user: { token: secret }
current-context: work
`;

/** What `npm test` leaves to `npm run test:long`: no skipped test, but none. */
const itLong = process.env["FAIRLEAD_LONG"] === "1" ? it : (): void => undefined;
const cluster = new UpCluster();
let before: Awaited<ReturnType<UpCluster["traces"]>>;
let first: Finished;

const steps = ({ stdout }: Finished): Record<string, { detail: string; outcome: string }> =>
  Object.fromEntries(
    stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line))
      .map((line) => [line.step, line]),
  );
const status = async () => JSON.parse((await cluster.fairlead("status", "--json")).stdout);
const containerIds = async (): Promise<string> =>
  cluster.run(["get", "pods", "-l", "app=demo", "-o", "jsonpath={.items[*].status.containerStatuses[0].containerID}"]);
/** @returns how often each answered */
const answers = async (address: string, port: string, times = 30): Promise<Record<string, number>> => {
  const counts: Record<string, number> = {};
  for (let i = 0; i < times; i++) {
    const said = await cluster.ask(address, port);
    counts[said] = (counts[said] ?? 0) + 1;
  }
  return counts;
};
/** From each of the demonstration's three pods. */
const isBalanced = async (port: string): Promise<boolean> =>
  Object.keys(await answers(UpCluster.nodeIp, port).catch(() => ({}))).length === 3;
const field = (kind: string, path: string): Promise<string> =>
  cluster.run(["get", ...kind.split(" "), "-o", `jsonpath={${path}}`]);

/** Words of what a process has for children. */
const programsOf = (pid: number): string[][] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8")
    .split(" ")
    .filter((child) => existsSync(`/proc/${child}/cmdline`))
    .map((child) => readFileSync(`/proc/${child}/cmdline`, "utf8").split("\0"));

beforeAll(async () => {
  writeFileSync(cluster.kubeconfig, foreign);
  before = await cluster.traces();
  first = await cluster.up("--demo");
}, 200_000);

afterAll(() => cluster.stop(), 120_000);

describe("fairlead up --demo", () => {
  it("brings a cluster up, balances over three replicas, and updates them without a failed request", async () => {
    expect(first).toMatchObject({ code: 0, stderr: "" });
    const told = steps(first);
    expect(Object.values(told).filter(({ outcome }) => outcome === "failed")).toEqual([]);
    expect(told["demo: balance"]?.detail.match(/\w{5} \d+/g)).toHaveLength(3);
    expect(told["demo: update"]?.detail).toMatch(/echo:v2: \d+ requests meanwhile, 0 failed/);
    expect((await status()).isHealthy).toBe(true);
    // The agent's parts have one client, whose requests the kubelet tells of.
    const metrics = await cluster.run([
      "get",
      "--raw",
      `/api/v1/nodes/${await field("nodes", ".items[0].metadata.name")}/proxy/metrics`,
    ]);
    expect(metrics).toMatch(/^rest_client_requests_total\{code="200",method="PATCH",host="[^"]+"\} [1-9]/m);
    expect(metrics).toMatch(/^kubelet_certificate_manager_client_ttl_seconds (\d+|\+Inf|Inf)/im);
  });

  it("merges its context beside those that are there, comments and all", async () => {
    const text = readFileSync(cluster.kubeconfig, "utf8");
    expect(text).toContain("# of the office");
    expect((await cluster.run(["config", "get-contexts", "-o", "name"])).split("\n")).toEqual(["fairlead", "work", ""]);
    expect(await cluster.run(["config", "current-context"])).toBe("fairlead\n");
  });

  it("lets pods find Services by their names", async () => {
    const ask = (name: string): Promise<string> =>
      cluster.run(["exec", "deployment/demo", "--", "/echo", "get", name, "80"]);
    for (const name of ["demo", "demo.default.svc.cluster.local"]) expect(await ask(name)).toMatch(/^hello from demo-/);
    await expect(ask("nobody")).rejects.toThrow();
  });

  it("has a default StorageClass", async () => {
    expect(await cluster.run(["get", "storageclass"])).toMatch(/^local-path \(default\)/m);
  });
});

describe("the real kubectl", () => {
  it("creates, exposes, scales, updates and deletes, and traffic follows", async () => {
    const image = "localhost/fairlead/echo";
    await cluster.run(["create", "deployment", "web", `--image=${image}:v1`, "--replicas=2"]);
    await cluster.run(["rollout", "status", "deployment/web", "--timeout=60s"]);
    await cluster.run(["expose", "deployment", "web", "--port=80", "--target-port=8080"]);
    await cluster.run(["expose", "deployment", "web", "--name=web-out", "--type=NodePort", "--port=8080"]);
    const clusterIp = await field("service web", ".spec.clusterIP");
    const nodePort = await field("service web-out", ".spec.ports[0].nodePort");
    await eventually("the Service's answer", () => answers(clusterIp, "80", 1).catch(() => false), 20_000);
    expect(Object.keys(await answers(clusterIp, "80"))).toHaveLength(2);
    expect(Object.keys(await answers(UpCluster.nodeIp, nodePort))).toHaveLength(2);
    await cluster.run(["scale", "deployment", "web", "--replicas=3"]);
    await cluster.run(["rollout", "status", "deployment/web", "--timeout=60s"]);
    await eventually("three endpoints", async () => Object.keys(await answers(clusterIp, "80")).length === 3, 20_000);
    await cluster.run(["set", "image", "deployment/web", `echo=${image}:v2`]);
    await cluster.run(["rollout", "status", "deployment/web", "--timeout=60s"]);
    await eventually(
      "version 2 alone",
      async () => Object.keys(await answers(clusterIp, "80", 10)).every((said) => said.endsWith("version v2\n")),
      20_000,
    );
    // Of one of its pods, which need not have been asked yet.
    expect(await cluster.run(["logs", "deployment/web"])).toMatch(/^version v2 serves\n(GET \/ HTTP\/1.1\n)*$/);
    const said = await cluster.run(["exec", "deployment/web", "--", "/echo", "get", clusterIp, "80"]);
    expect(said).toMatch(/^hello from web-\S+, version v2\n$/);
    await cluster.run(["delete", "deployment/web", "service/web", "service/web-out", "--timeout=60s"]);
    await expect(answers(clusterIp, "80", 1)).rejects.toThrow(/echo get/);
  });

  itLong("applies a manifest of several objects, which see one another", async () => {
    const container = {
      name: "echo",
      image: "localhost/fairlead/echo:v1",
      envFrom: [{ configMapRef: { name: "many" } }],
    };
    const template = { metadata: { labels: { app: "many" } }, spec: { containers: [container] } };
    const items = [
      { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "many" }, data: { VERSION: "from-a-config-map" } },
      {
        apiVersion: "apps/v1",
        kind: "DaemonSet",
        metadata: { name: "many" },
        spec: { selector: { matchLabels: { app: "many" } }, template },
      },
      {
        apiVersion: "v1",
        kind: "Service",
        metadata: { name: "many" },
        spec: { selector: { app: "many" }, ports: [{ port: 8080 }] },
      },
    ];
    const manifest = { apiVersion: "v1", kind: "List", items };
    await cluster.run(["apply", "-f", "-"], manifest);
    await cluster.run(["rollout", "status", "daemonset/many", "--timeout=60s"]);
    const address = await field("service many", ".spec.clusterIP");
    const [said] = await eventually(
      "its answer",
      async () => Object.keys(await answers(address, "8080", 1).catch(() => ({}))),
      20_000,
    );
    expect(said).toMatch(/version from-a-config-map\n$/);
    expect(await cluster.run(["apply", "-f", "-"], manifest)).toMatch(/unchanged[^]*unchanged[^]*unchanged/);
    await cluster.run(["delete", "-f", "-", "--timeout=60s"], manifest);
    // The owner goes first, its pods behind it: a drain would find them without one.
    await cluster.run(["wait", "--for=delete", "pod", "-l", "app=many", "--timeout=60s"]);
  });

  itLong("drains the node, and pods come back when it may have them", async () => {
    await cluster.run(["drain", "up-1", "--ignore-daemonsets", "--timeout=60s"]);
    expect(await field("pods -l app=demo", ".items[*].status.phase")).not.toContain("Running");
    await cluster.run(["uncordon", "up-1"]);
    await cluster.run(["rollout", "status", "deployment/demo", "--timeout=60s"]);
  });
});

describe("a cluster that is up", () => {
  it("has no program in memory that has nothing to do", async () => {
    const { pid } = (await status()).supervisor;
    await eventually("the end of node's part of up", () => !programsOf(pid).some((words) => words.includes("up")));
    expect((await status()).supervisor.residentBytes).toBeLessThan(3e6);
  });

  it("is found by a second up, which changes nothing", async () => {
    const { parts } = await status();
    const ids = await containerIds();
    const { code, stdout } = await cluster.fairlead("up", "--kubeconfig", cluster.kubeconfig, "--node-name", "up-1");
    expect(stdout).toMatch(/The cluster was up already/);
    expect(code).toBe(0);
    const pids = (list: { process: { pid: number } }[]): number[] => list.map((part) => part.process.pid);
    expect(pids((await status()).parts)).toEqual(pids(parts));
    expect(await containerIds()).toBe(ids);
  });

  it("goes on after kill -9 of up, and the next up watches the same pods", async () => {
    const ids = await containerIds();
    process.kill((await status()).supervisor.pid, "SIGKILL");
    expect((await cluster.up()).code).toBe(0);
    const { isHealthy, supervisor } = await status();
    expect({ isHealthy, isWatched: supervisor !== undefined }).toEqual({ isHealthy: true, isWatched: true });
    expect(await containerIds()).toBe(ids);
  });

  it("gets back every part after kill -9, with the same pods", async () => {
    const ids = await containerIds();
    const pids = async (): Promise<(number | undefined)[]> =>
      (await status()).parts.map((part: { process?: { pid: number } }) => part.process?.pid);
    const killed = await pids();
    expect(killed).toHaveLength(3);
    for (const pid of killed) process.kill(pid!, "SIGKILL");
    const isAnother = (pid: number | undefined): boolean => pid !== undefined && !killed.includes(pid);
    await eventually("three other processes", async () => (await pids()).every(isAnother), 30_000);
    await eventually("their health", async () => (await status()).isHealthy, 60_000);
    expect(await containerIds()).toBe(ids);
  });

  it("says that it is not healthy while a pod is not ready", async () => {
    await cluster.run(["run", "never", "--image=localhost/fairlead/echo:none", "--image-pull-policy=Never"]);
    const says = async () => (await cluster.fairlead("status")).stdout;
    await eventually(
      "the pod's trouble",
      async () => (await says()).includes("default/never: ErrImageNeverPull"),
      20_000,
    );
    expect(await status()).toMatchObject({ isHealthy: false, pods: { ready: 3 } });
    await cluster.run(["delete", "pod", "never", "--timeout=60s"]);
    expect(await cluster.fairlead("status")).toMatchObject({ code: 0, stdout: expect.stringMatching(/3 ready$/m) });
  });

  it("is taken down by Ctrl-C, and comes back as it was", async () => {
    const port = await field("service demo", ".spec.ports[0].nodePort");
    const { pid } = (await status()).supervisor;
    process.kill(pid, "SIGINT");
    await eventually("the end of up", () => !existsSync(`/proc/${pid}`), 60_000);
    expect(await cluster.traces()).toEqual(before);
    expect((await cluster.up()).code).toBe(0);
    await eventually("all replicas' answers", () => isBalanced(port), 30_000);
    await eventually("its health", async () => (await status()).isHealthy, 20_000);
  });

  it("lists and imports images", async () => {
    const { stdout } = await cluster.fairlead("image list", "--json");
    expect(stdout).toContain('"localhost/fairlead/pause:1"');
    expect(await cluster.fairlead("image import", "/nowhere.tar")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("it is not there"),
    });
  });

  it("leaves nothing when it is taken down and purged", async () => {
    expect(await cluster.fairlead("down", "--purge", "--json")).toMatchObject({ code: 0, stderr: "" });
    expect(await cluster.traces()).toEqual(before);
    expect(existsSync(cluster.dataDir)).toBe(false);
    const text = readFileSync(cluster.kubeconfig, "utf8");
    expect(text).toContain("current-context: work");
    expect(text).not.toContain("fairlead");
  });
});

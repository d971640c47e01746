/** Every kind of probe with every way to ask, on real containers: good ones, and bad ones with what comes of them. */
import { spawn, type ChildProcess } from "node:child_process";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually } from "../fixtures/eventually.ts";
import { startKubeletNode, type KubeletNode } from "../fixtures/kubelet_node.ts";
import { conditionOf, patienceMs, PodKit, sleeps, statusOf } from "../fixtures/kubelet_pods.ts";
import { podNetworkPlace } from "../fixtures/node_pod_network.ts";

let node: KubeletNode;
let kit: PodKit;
let grpc: ChildProcess;

const grpcPort = 17070;
const often = { periodSeconds: 1, failureThreshold: 1 };
const kinds = ["startup", "liveness", "readiness"] as const;
type Kind = (typeof kinds)[number];

interface Way {
  readonly main: object;
  readonly spec?: object;
  readonly good: object;
  readonly bad: object;
  /** What an Event says of the bad one. */
  readonly says: RegExp;
}

const web = {
  command: ["sh", "-c", "mkdir /www; echo ok > /www/fine; httpd -p 8080 -h /www; exec sleep 100000"],
  ports: [{ name: "web", containerPort: 8080 }],
};

const ways: Readonly<Record<string, Way>> = {
  exec: {
    main: sleeps,
    good: { exec: { command: ["true"] } },
    bad: { exec: { command: ["sh", "-c", "echo not well; exit 1"] } },
    says: /probe failed: not well\n$/,
  },
  "http-get": {
    main: web,
    good: { httpGet: { path: "/fine", port: "web" } },
    bad: { httpGet: { path: "/absent", port: 8080 } },
    says: /probe failed: HTTP probe failed with statuscode: 404$/,
  },
  "tcp-socket": {
    main: web,
    good: { tcpSocket: { port: "web" } },
    bad: { tcpSocket: { port: 8081 } },
    says: /probe failed: dial tcp 10\.244\.\d+\.\d+:8081: connect: connection refused$/,
  },
  grpc: {
    main: sleeps,
    // The server is the node's, and the pod is in the node's network.
    spec: { hostNetwork: true },
    good: { grpc: { port: grpcPort, service: "good" } },
    bad: { grpc: { port: grpcPort, service: "bad" } },
    says: /probe failed: service unhealthy \(responded with "NOT_SERVING"\)$/,
  },
};

const probes = (handler: object, all: readonly Kind[], more: object = {}): object =>
  Object.fromEntries(all.map((kind) => [`${kind}Probe`, { ...often, ...more, ...handler }]));

const startGrpc = async (): Promise<ChildProcess> => {
  const script = "dist/test/fixtures/grpc_health.js";
  const argv = [`--net=${node.containerd.namespace}`, process.execPath, script, String(grpcPort)];
  const child = spawn("nsenter", argv, { stdio: ["ignore", "pipe", "inherit"] });
  let said = "";
  child.stdout.on("data", (part: Buffer) => (said += part.toString()));
  await eventually("the gRPC server", () => said === "serving\n", 30_000);
  return child;
};

beforeAll(async () => {
  node = await startKubeletNode({}, { network: await podNetworkPlace() });
  kit = new PodKit(node);
  grpc = await startGrpc();
  const pods = Object.entries(ways).flatMap(([name, { main, spec, good, bad }]) => [
    kit.pod(`${name}-good`, { ...main, ...probes(good, kinds, { failureThreshold: 30 }) }, spec),
    ...kinds.map((kind) => kit.pod(`${name}-${kind}`, { ...main, ...probes(bad, [kind]) }, spec)),
  ]);
  const deaf = { command: ["sh", "-c", "trap '' TERM; while :; do sleep 0.1; done"] };
  const hasty = { livenessProbe: { ...often, exec: { command: ["false"] }, terminationGracePeriodSeconds: 1 } };
  const unasked = { readinessProbe: { ...often, exec: { command: ["/no/such/program"] } } };
  await kit.create(
    ...pods,
    kit.pod("grace", { ...deaf, ...hasty }, { terminationGracePeriodSeconds: 3600 }),
    kit.pod("unasked", { ...sleeps, ...unasked }),
  );
}, 240_000);
afterAll(async () => {
  grpc?.kill("SIGKILL");
  kit?.close();
  await node?.stop();
});

describe.each(Object.entries(ways))("%s", (name, { says }) => {
  it("that is good: the pod is started and ready, and stays so", async () => {
    const pod = await kit.ready(`${name}-good`);
    expect(statusOf(pod)).toMatchObject({ started: true, ready: true, restartCount: 0 });
  }, 240_000);

  it.each(["startup", "liveness"])(
    "that is bad, of %s: the container is started again",
    async (kind) => {
      await kit.when(`${name}-${kind}`, "a restart", (pod) => statusOf(pod)?.restartCount > 0);
      // One that comes before the container listens says that.
      const probe = kind === "startup" ? "Startup" : "Liveness";
      await kit.event(
        `${name}-${kind}`,
        new RegExp(`^Warning Unhealthy spec\\.containers\\{main\\} ${probe} .*${says.source}`),
      );
      await kit.event(
        `${name}-${kind}`,
        new RegExp(
          `^Normal Killing spec\\.containers\\{main\\} Container main failed ${kind} probe, will be restarted$`,
        ),
      );
    },
    240_000,
  );

  it("that is bad, of readiness: the pod runs and is not ready", async () => {
    expect(await kit.event(`${name}-readiness`, /Unhealthy/)).toMatch(says);
    const pod = await kit.get(`${name}-readiness`);
    expect(statusOf(pod)).toMatchObject({ started: true, ready: false, restartCount: 0 });
    expect(conditionOf(pod, "Ready")).toMatchObject({ status: "False", reason: "ContainersNotReady" });
  }, 240_000);
});

describe("a probe", () => {
  it("has a grace period of its own", async () => {
    // The pod's would be an hour.
    const pod = await kit.when("grace", "a restart", (one) => statusOf(one)?.restartCount > 0);
    expect(statusOf(pod).lastState.terminated.exitCode).toBe(137);
    await node.run(["delete", "pod", "grace", "--grace-period=1", "--timeout=60s"]);
  }, 240_000);

  it("that cannot be asked counts for nothing, and says so", async () => {
    const text = await kit.event("unasked", /Unhealthy/);
    expect(text).toMatch(/Readiness probe errored and resulted in unknown state: rpc error: code = Unknown desc = /);
  }, 240_000);

  it("follows what its container does, both ways", async () => {
    const exec = { command: ["test", "-e", "/tmp/fine"] };
    await kit.create(kit.pod("turns", { ...sleeps, readinessProbe: { ...often, exec } }));
    await kit.when("turns", "running", (pod) => statusOf(pod)?.state.running);
    for (const [command, isReady] of [
      ["touch", true],
      ["rm", false],
      ["touch", true],
    ] as const) {
      await kit.exec("turns", command, "/tmp/fine");
      await eventually(`ready: ${isReady}`, async () => statusOf(await kit.get("turns")).ready === isReady, patienceMs);
    }
  }, 240_000);
});

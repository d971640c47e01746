/** Subresources, through kubectl where it has a command for them, against a kubelet of the test's own. */
import { execFile, type ExecFileException } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ServiceAllocation } from "../../src/controlplane/apiserver/allocation/service_allocation.ts";
import { startCaches } from "../../src/controlplane/apiserver/api_server.ts";
import { builtInSubresources } from "../../src/controlplane/apiserver/subresources/subresources.ts";
import { EmbeddedStore } from "../../src/controlplane/store/embedded/embedded_store.ts";
import { startServer, type Answer, type RunningServer } from "../fixtures/api_server.ts";
import { startFakeKubelet, type FakeKubelet } from "../fixtures/fake_kubelet.ts";

let api: RunningServer;
let kubelet: FakeKubelet;
let folder: string;
let allocation: ServiceAllocation;

beforeAll(async () => {
  kubelet = await startFakeKubelet({
    answer(request, reply) {
      if (request.url!.includes("/waiting/")) {
        reply.writeHead(400).end('container "c" in pod "waiting" is waiting to start: ContainerCreating');
      } else if (request.url!.startsWith("/containerLogs/")) reply.end("one\ntwo\n");
      else reply.setHeader("X-From", "kubelet").end(`${request.method} ${request.url}`);
    },
  });
  folder = mkdtempSync(path.join(tmpdir(), "fairlead-subresources-"));
  const store = await EmbeddedStore.open({ file: path.join(folder, "store.db") });
  allocation = await ServiceAllocation.start({
    store,
    caches: await startCaches(store),
    serviceCidrs: ["10.96.0.0/16"],
    now: Date.now,
    onError: (error) => {
      throw error;
    },
  });
  const { subresources, answers, upgrade } = builtInSubresources(store, {
    kubeletCredentials: () => ({}),
    plainHttp: true,
  });
  const authenticators = [
    {
      authenticate: ({ token }: { token: string | undefined }) =>
        token === "secret" ? { name: "x", groups: [] } : undefined,
    },
  ];
  api = await startServer({ store, subresources, answers, upgrade, authenticators, admission: [allocation] });
  await create("/api/v1/nodes", "v1", "Node", { name: "n1" });
  await status("/api/v1/nodes/n1", {
    addresses: [{ type: "InternalIP", address: "127.0.0.1" }],
    daemonEndpoints: { kubeletEndpoint: { Port: kubelet.port } },
    conditions: [
      { type: "Ready", status: "True", reason: "x", message: "", lastHeartbeatTime: null, lastTransitionTime: null },
    ],
  });
});
afterAll(async () => {
  expect(api.internalErrors).toEqual([]);
  allocation.close();
  await api.stop();
  await kubelet.stop();
  rmSync(folder, { recursive: true, force: true });
});

interface Outcome {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number;
}

async function kubectl(...args: string[]): Promise<Outcome> {
  const all = ["-s", api.url, "--kubeconfig", "/dev/null", ...args];
  try {
    return { ...(await promisify(execFile)("kubectl", all, { timeout: 60_000 })), code: 0 };
  } catch (error) {
    const { stdout = "", stderr = "", code } = error as ExecFileException;
    return { stdout, stderr, code: Number(code) };
  }
}

async function create(
  where: string,
  apiVersion: string,
  kind: string,
  metadata: object,
  rest: object = {},
): Promise<any> {
  const answer = await api.request("POST", where, { apiVersion, kind, metadata, ...rest });
  expect(answer.code, JSON.stringify(answer.body)).toBe(201);
  return answer.body;
}

async function status(where: string, value: object): Promise<void> {
  const headers = { "Content-Type": "application/merge-patch+json" };
  const answer = await api.request("PATCH", `${where}/status`, { status: value }, headers);
  expect(answer.code, JSON.stringify(answer.body)).toBe(200);
}

const core = "/api/v1/namespaces/default";
const containers = [{ name: "c", image: "busybox" }];
const template = { metadata: { labels: { app: "x" } }, spec: { containers } };

async function pod(name: string, spec: object = {}, labels: object = {}): Promise<any> {
  return create(`${core}/pods`, "v1", "Pod", { name, labels }, { spec: { containers, ...spec } });
}

describe("scale", () => {
  const deployments = "/apis/apps/v1/namespaces/default/deployments";

  it("is read and written as a Scale, by kubectl too", async () => {
    const spec = { replicas: 1, selector: { matchLabels: { app: "x" } }, template };
    await create(deployments, "apps/v1", "Deployment", { name: "web" }, { spec });
    expect((await kubectl("scale", "deployment/web", "--replicas=3")).stdout).toBe("deployment.apps/web scaled\n");
    const { managedFields } = (await api.request("GET", `${deployments}/web`)).body.metadata;
    expect(managedFields).toContainEqual(
      expect.objectContaining({ subresource: "scale", fieldsV1: { "f:spec": { "f:replicas": {} } } }),
    );
    const { body } = await api.request("GET", `${deployments}/web/scale`);
    expect(body).toMatchObject({
      kind: "Scale",
      apiVersion: "autoscaling/v1",
      spec: { replicas: 3 },
      status: { replicas: 0, selector: "app=x" },
    });
    const stale = { ...body, metadata: { ...body.metadata, resourceVersion: "1" } };
    expect((await api.request("PUT", `${deployments}/web/scale`, stale)).body.reason).toBe("Conflict");
    const changed = await api.request("PUT", `${deployments}/web/scale`, { ...body, spec: { replicas: 5 } });
    expect([changed.code, changed.body.spec.replicas]).toEqual([200, 5]);
    const whole = (await api.request("GET", `${deployments}/web`)).body;
    expect([whole.spec.replicas, whole.spec.template.spec.containers[0].name, whole.metadata.generation]).toEqual([
      5,
      "c",
      3,
    ]);
  });

  it("is never negative", async () => {
    const patch = { spec: { replicas: -1 } };
    const headers = { "Content-Type": "application/merge-patch+json" };
    const { body } = await api.request("PATCH", `${deployments}/web/scale`, patch, headers);
    expect([body.code, body.message]).toEqual([
      422,
      'Scale.autoscaling "web" is invalid: spec.replicas: Invalid value: -1: must be greater than or equal to 0',
    ]);
  });
});

describe("binding", () => {
  const bind = (name: string, node: string, where = `${core}/pods/${name}/binding`): Promise<Answer> =>
    api.request("POST", where, {
      apiVersion: "v1",
      kind: "Binding",
      metadata: { name, annotations: { "example.com/a": "b" } },
      target: { kind: "Node", name: node },
    });

  it("gives a pod its node, once", async () => {
    await pod("bound");
    const first = await bind("bound", "n1");
    expect([first.code, first.body.status]).toEqual([201, "Success"]);
    const { body } = await api.request("GET", `${core}/pods/bound`);
    expect([body.spec.nodeName, body.metadata.annotations]).toEqual(["n1", { "example.com/a": "b" }]);
    expect(body.status.conditions).toContainEqual(expect.objectContaining({ type: "PodScheduled", status: "True" }));
    const again = await bind("bound", "n2");
    expect([again.code, again.body.message]).toEqual([
      409,
      'Operation cannot be fulfilled on pods/binding "bound": pod bound is already assigned to node "n1"',
    ]);
  });

  it("waits for gates, and takes the older path", async () => {
    await pod("gated", { schedulingGates: [{ name: "example.com/g" }] });
    expect((await bind("gated", "n1")).body.message).toContain("pod gated has non-empty .spec.schedulingGates");
    await pod("older");
    expect((await bind("older", "n1", `${core}/bindings`)).code).toBe(201);
  });
});

describe("eviction", () => {
  const evict = (name: string, more: object = {}): Promise<Answer> =>
    api.request("POST", `${core}/pods/${name}/eviction`, {
      apiVersion: "policy/v1",
      kind: "Eviction",
      metadata: { name },
      ...more,
    });

  it("asks the budget, and of many evictions at once lets through what it allows", async () => {
    const budgets = "/apis/policy/v1/namespaces/default/poddisruptionbudgets";
    const names = ["e1", "e2", "e3"];
    for (const name of names) {
      await pod(name, {}, { app: "guarded" });
      await status(`${core}/pods/${name}`, { phase: "Running", conditions: [{ type: "Ready", status: "True" }] });
    }
    const spec = { minAvailable: 2, selector: { matchLabels: { app: "guarded" } } };
    await create(budgets, "policy/v1", "PodDisruptionBudget", { name: "pdb" }, { spec });
    const processing = await evict("e1");
    expect([processing.code, processing.headers.get("retry-after"), processing.body.details.causes]).toEqual([
      429,
      "10",
      [{ reason: "DisruptionBudget", message: "The disruption budget pdb is still being processed by the server." }],
    ]);
    const healthy = {
      observedGeneration: 1,
      disruptionsAllowed: 1,
      currentHealthy: 3,
      desiredHealthy: 2,
      expectedPods: 3,
    };
    await status(`${budgets}/pdb`, healthy);
    expect((await evict("e1", { deleteOptions: { dryRun: ["All"] } })).code).toBe(201);
    const answers = await Promise.all(names.map((name) => evict(name)));
    expect(answers.map(({ code }) => code).sort()).toEqual([201, 429, 429]);
    const refused = answers.find(({ code }) => code === 429)!;
    expect(refused.body.message).toBe("Cannot evict pod as it would violate the pod's disruption budget.");
    expect(refused.body.details.causes[0].message).toBe(
      "The disruption budget pdb needs 2 healthy pods and has 3 currently",
    );
    const after = (await api.request("GET", `${budgets}/pdb`)).body.status;
    expect([after.disruptionsAllowed, Object.keys(after.disruptedPods).length]).toEqual([0, 1]);
  });

  it("drains a node", async () => {
    await pod("drained", { nodeName: "n1" });
    expect((await kubectl("cordon", "n1")).stdout).toBe("node/n1 cordoned\n");
    const drained = await kubectl("drain", "n1", "--force", "--grace-period=0", "--timeout=30s");
    expect(drained.stdout, drained.stderr).toContain("node/n1 drained");
    expect((await api.request("GET", `${core}/pods/drained`)).code).toBe(404);
    expect((await kubectl("uncordon", "n1")).stdout).toBe("node/n1 uncordoned\n");
    expect((await kubectl("taint", "node", "n1", "a=b:NoSchedule")).stdout).toBe("node/n1 tainted\n");
  });
});

describe("a pod's kubelet", () => {
  beforeAll(async () => {
    await pod("web", { nodeName: "n1" });
    await status(`${core}/pods/web`, { phase: "Running" });
  });

  it("says its logs", async () => {
    expect((await kubectl("logs", "web", "--tail=2", "--timestamps")).stdout).toBe("one\ntwo\n");
    expect(kubelet.asked.at(-1)).toBe("GET /containerLogs/default/web/c?timestamps=true&tailLines=2");
  });

  it("says why there are none", async () => {
    await pod("waiting", { nodeName: "n1" });
    const { stderr } = await kubectl("logs", "waiting");
    expect(stderr).toContain('container "c" in pod "waiting" is waiting to start: ContainerCreating');
    await pod("nowhere");
    expect(await kubectl("logs", "nowhere")).toMatchObject({ stdout: "", code: 0 });
    const { body } = await api.request("GET", `${core}/pods/web/log?container=x`);
    expect([body.code, body.message]).toEqual([400, "container x is not valid for pod web"]);
    const negative = await api.request("GET", `${core}/pods/web/log?tailLines=-1`);
    expect(negative.code).toBe(422);
  });

  it("runs a command for kubectl exec, and attaches", async () => {
    const exec = await kubectl("exec", "web", "--", "echo", "a b");
    expect(exec.stdout, exec.stderr).toBe("hello from the pod\n");
    expect(kubelet.asked.at(-1)).toBe("GET /exec/default/web/c?output=1&error=1&command=echo&command=a+b");
    const attach = await kubectl("attach", "web");
    expect(attach.stdout, attach.stderr).toContain("hello from the pod");
    expect(kubelet.asked.at(-1)).toMatch(/^GET \/attach\/default\/web\/c\?/);
  });

  it("needs an upgrade, a node and a container that is there", async () => {
    expect((await api.request("POST", `${core}/pods/web/exec?command=ls`)).body.message).toBe(
      "Upgrade request required",
    );
    const refused = await upgraded(`${core}/pods/nowhere/portforward?ports=80`);
    expect(refused).toMatch(/^HTTP\/1\.1 400 /);
    expect(refused).toContain("pod nowhere does not have a host assigned");
    expect(await upgraded(`${core}/pods/web/exec?container=x`)).toContain("container x is not valid for pod web");
  });

  it("takes any protocol byte for byte, without the client's credentials", async () => {
    const echo = await startFakeKubelet({
      upgrade(_request, socket, head) {
        socket.write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: SPDY/3.1\r\nConnection: Upgrade\r\n\r\n");
        socket.write(head);
        socket.pipe(socket);
      },
    });
    await status("/api/v1/nodes/n1", { daemonEndpoints: { kubeletEndpoint: { Port: echo.port } } });
    const bytes = Buffer.from(Array.from({ length: 100_000 }, (_, i) => i % 256));
    const answer = await upgraded(`${core}/pods/web/portforward?ports=80`, bytes);
    expect(answer.endsWith(bytes.toString("latin1"))).toBe(true);
    expect(echo.asked).toEqual(["POST /portForward/default/web?port=80"]);
    expect([echo.headers()["authorization"], echo.headers()["x-stream-protocol-version"]]).toEqual([
      undefined,
      "portforward.k8s.io",
    ]);
    await echo.stop();
    expect(await upgraded(`${core}/pods/web/portforward?ports=80`)).toContain(
      "error dialing backend: connect ECONNREFUSED",
    );
    await status("/api/v1/nodes/n1", { daemonEndpoints: { kubeletEndpoint: { Port: kubelet.port } } });
  });

  it("answers what is passed on to it", async () => {
    const answer = await api.request("GET", "/api/v1/nodes/n1/proxy/pods?a=b");
    expect([answer.code, answer.body, answer.headers.get("x-from")]).toEqual([200, "GET /pods?a=b", "kubelet"]);
    const posted = await api.request("POST", `/api/v1/nodes/n1:${kubelet.port}/proxy/run`, { x: 1 });
    expect(posted.body).toBe("POST /run");
  });
});

/** Sends an upgrade by hand. @returns what comes back until `bytes` have, or the end */
async function upgraded(where: string, bytes = Buffer.alloc(0)): Promise<string> {
  const { hostname, port } = new URL(api.url);
  const socket = net.connect(Number(port), hostname);
  const head = `POST ${where} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer secret\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\nX-Stream-Protocol-Version: portforward.k8s.io\r\nContent-Length: 0\r\n\r\n`;
  socket.write(head);
  socket.write(bytes);
  let text = "";
  for await (const part of socket) {
    text += (part as Buffer).toString("latin1");
    const body = text.slice(text.indexOf("\r\n\r\n") + 4);
    if (text.includes("\r\n\r\n") && text.startsWith("HTTP/1.1 101") && body.length >= bytes.length) break;
  }
  socket.destroy();
  return text;
}

describe("proxies", () => {
  it("refuse the server's own addresses, and say what lacks", async () => {
    await pod("proxied");
    await status(`${core}/pods/proxied`, { podIP: "127.0.0.1", podIPs: [{ ip: "127.0.0.1" }] });
    const local = await api.request("GET", `${core}/pods/proxied:80/proxy/`);
    expect([local.code, local.body.message]).toEqual([400, "address not allowed"]);
    await create(`${core}/services`, "v1", "Service", { name: "empty" }, { spec: { ports: [{ port: 80 }] } });
    const empty = await api.request("GET", `${core}/services/empty/proxy/`);
    expect([empty.code, empty.body.message]).toEqual([503, 'no endpoints available for service "empty"']);
    const lacking = await api.request("GET", `${core}/services/empty:x/proxy/`);
    expect(lacking.body.message).toBe('no service port "x" found for service "empty"');
  });
});

describe("kubectl", () => {
  it("exposes pods", async () => {
    await pod("exposed", {}, { app: "exposed" });
    for (const type of ["ClusterIP", "NodePort"]) {
      const exposed = await kubectl(
        "expose",
        "pod",
        "exposed",
        `--name=e-${type.toLowerCase()}`,
        "--port=80",
        `--type=${type}`,
      );
      expect(exposed.stdout, exposed.stderr).toContain("exposed");
    }
    const { stdout } = await kubectl("get", "services", "e-nodeport", "--no-headers");
    expect(stdout).toMatch(/^e-nodeport +NodePort +10\.96\.\d+\.\d+ +<none> +80:3\d{4}\/TCP /);
  });

  it("asks for the store's health", async () => {
    const { stdout, stderr } = await kubectl("get", "componentstatuses");
    expect(stdout).toMatch(/^NAME +STATUS +MESSAGE +ERROR *\netcd-0 +Healthy +ok/);
    expect(stderr).toContain("v1 ComponentStatus is deprecated in v1.19+");
  });
});

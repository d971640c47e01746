/** What kubectl says where an object is refused, and what it gets where one is taken. */
import { execFile } from "node:child_process";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startServer, type RunningServer } from "../fixtures/api_server.ts";

let api: RunningServer;
beforeAll(async () => {
  api = await startServer();
});
afterAll(async () => {
  expect(api.internalErrors).toEqual([]);
  await api.stop();
});

interface Output {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs kubectl; an object is its standard input. */
function kubectl(words: readonly string[], input?: object): Promise<Output> {
  const flags = ["-s", api.url, "--kubeconfig", "/dev/null"];
  return new Promise((resolve) => {
    const child = execFile("kubectl", [...flags, ...words], { timeout: 30_000 }, (error, stdout, stderr) => {
      resolve({ code: error ? Number(error.code ?? 1) : 0, stdout, stderr });
    });
    child.stdin?.end(input === undefined ? "" : JSON.stringify(input));
  });
}

const create = (input: object): Promise<Output> => kubectl(["create", "--validate=false", "-f", "-"], input);
const pod = (name: string, container: object = {}, spec: object = {}) => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name },
  spec: { containers: [{ name: "c", image: "nginx", ...container }], ...spec },
});
const service = (name: string, spec: object) => ({ apiVersion: "v1", kind: "Service", metadata: { name }, spec });

describe("kubectl create prints upstream's words", () => {
  it.each<[string, object, string]>([
    [
      "for one thing that is wrong",
      pod("one", {}, { restartPolicy: "Sometimes" }),
      'The Pod "one" is invalid: spec.restartPolicy: Unsupported value: "Sometimes": supported values: "Always", "OnFailure", "Never"',
    ],
    [
      "for each of several",
      pod("two", { image: "", ports: [{ containerPort: 70000 }] }),
      `The Pod "two" is invalid: 
* spec.containers[0].image: Required value
* spec.containers[0].ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive`,
    ],
    [
      "for a request above its limit",
      pod("three", { resources: { requests: { memory: "2Gi" }, limits: { memory: "1Gi" } } }),
      'The Pod "three" is invalid: spec.containers[0].resources.requests: Invalid value: "2Gi": must be less than or equal to memory limit of 1Gi',
    ],
    [
      "for a Deployment whose selector selects others",
      {
        apiVersion: "apps/v1",
        kind: "Deployment",
        metadata: { name: "d" },
        spec: {
          selector: { matchLabels: { app: "a" } },
          template: { metadata: { labels: { app: "b" } }, spec: pod("x").spec },
        },
      },
      'The Deployment "d" is invalid: spec.template.metadata.labels: Invalid value: {"app":"b"}: `selector` does not match template `labels`',
    ],
    ["for a Service without ports", service("empty", {}), 'The Service "empty" is invalid: spec.ports: Required value'],
    [
      "for a quantity that is none",
      pod("bad-quantity", { resources: { limits: { cpu: "much" } } }),
      "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
    ],
  ])("%s", async (_what, input, words) => {
    const { code, stderr } = await create(input);
    expect(code).not.toBe(0);
    expect(stderr).toContain(words);
  });

  it("and the Status has each cause with its field and reason", async () => {
    const { code, body } = await api.request("POST", "/api/v1/namespaces/default/pods", pod("A_b", { name: "" }));
    expect(code).toBe(422);
    expect(body).toMatchObject({ kind: "Status", reason: "Invalid", details: { name: "A_b", kind: "Pod" } });
    expect(body.details.causes.map(({ reason, field }: any) => [reason, field])).toEqual([
      ["FieldValueInvalid", "metadata.name"],
      ["FieldValueRequired", "spec.containers[0].name"],
    ]);
  });
});

describe("kubectl gets", () => {
  it("a pod with its defaults, canonical amounts and its class of service", async () => {
    expect((await create(pod("fine", { resources: { limits: { cpu: "1000m", memory: "1024Mi" } } }))).code).toBe(0);
    const { stdout } = await kubectl(["get", "pod", "fine", "-o", "json"]);
    expect(JSON.parse(stdout)).toMatchObject({
      metadata: { generation: 1 },
      spec: {
        containers: [{ resources: { limits: { cpu: "1", memory: "1Gi" }, requests: { cpu: "1", memory: "1Gi" } } }],
        restartPolicy: "Always",
      },
      status: { phase: "Pending", qosClass: "Guaranteed" },
    });
  });

  it("a Secret's texts as data", async () => {
    const secret = { apiVersion: "v1", kind: "Secret", metadata: { name: "s" }, stringData: { a: "b" } };
    expect((await create(secret)).code).toBe(0);
    const { stdout } = await kubectl(["get", "secret", "s", "-o", "json"]);
    expect(JSON.parse(stdout)).toMatchObject({ type: "Opaque", data: { a: "Yg==" } });
    expect(stdout).not.toContain("stringData");
  });

  it("an autoscaler in either version", async () => {
    const made = await kubectl(["autoscale", "deployment", "web", "--max=3", "--cpu-percent=60"]);
    const hpa = {
      apiVersion: "autoscaling/v1",
      kind: "HorizontalPodAutoscaler",
      metadata: { name: "web" },
      spec: {
        maxReplicas: 3,
        targetCPUUtilizationPercentage: 60,
        scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "web" },
      },
    };
    // There is no such Deployment: kubectl looks for it first.
    expect(made.stderr).toContain('deployments.apps "web" not found');
    expect((await create(hpa)).code).toBe(0);
    const path = "namespaces/default/horizontalpodautoscalers/web";
    const newer = await api.request("GET", `/apis/autoscaling/v2/${path}`);
    expect(newer.body.spec).toMatchObject({
      minReplicas: 1,
      metrics: [{ resource: { name: "cpu", target: { averageUtilization: 60 } } }],
    });
    const older = await api.request("GET", `/apis/autoscaling/v1/${path}`);
    expect(older.body.spec.targetCPUUtilizationPercentage).toBe(60);
  });
});

describe("kubectl may not change", () => {
  it("a pod's environment", async () => {
    await create(pod("kept", { env: [{ name: "A", value: "1" }] }));
    const patch = JSON.stringify([{ op: "replace", path: "/spec/containers/0/env/0/value", value: "2" }]);
    const { stderr } = await kubectl(["patch", "pod", "kept", "--type=json", "-p", patch]);
    expect(stderr).toContain(
      "spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`",
    );
    expect((await kubectl(["set", "image", "pod/kept", "c=nginx:2"])).stdout).toContain("pod/kept image updated");
  });

  it("what is immutable", async () => {
    const map = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "m" }, data: { a: "1" }, immutable: true };
    await create(map);
    const { stderr } = await kubectl(["patch", "configmap", "m", "--type=merge", "-p", '{"data":{"a":"2"}}']);
    expect(stderr).toContain("data: Forbidden: field is immutable when `immutable` is set");
  });
});

/** What people do with kubectl to change objects, with kubectl itself. */
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startServer, type RunningServer } from "../fixtures/api_server.ts";

let api: RunningServer;
const folder = mkdtempSync(path.join(tmpdir(), "fairlead-kubectl-"));
beforeAll(async () => {
  api = await startServer();
});
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  expect(api.internalErrors).toEqual([]);
  await api.stop();
});

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs kubectl; its own caches stay in the test's folder. */
function run(args: readonly string[], env: Record<string, string> = {}): Promise<Outcome> {
  const all = ["-s", api.url, "--kubeconfig", "/dev/null", "--cache-dir", path.join(folder, "cache"), ...args];
  const options = { env: { ...process.env, HOME: folder, ...env }, timeout: 60_000 };
  return new Promise((resolve) => {
    execFile("kubectl", all, options, (error, stdout, stderr) => {
      resolve({ code: error ? Number(error.code ?? 1) : 0, stdout, stderr });
    });
  });
}

async function kubectl(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await run(args);
  expect(stderr).toBe("");
  expect(code).toBe(0);
  return stdout.trim();
}

function file(name: string, object: object): string {
  const where = path.join(folder, `${name}.yaml`);
  writeFileSync(where, JSON.stringify(object));
  return where;
}

async function stored(where: string): Promise<any> {
  return (await api.request("GET", where)).body;
}

const configMap = (name: string, data: Record<string, string>, labels: Record<string, string> = {}) => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name, labels },
  data,
});
const maps = "/api/v1/namespaces/default/configmaps";

const deployment = (name: string, env: object[] = [{ name: "A", value: "1" }], more: object = {}) => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name },
  spec: {
    replicas: 2,
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name } },
      spec: { containers: [{ name: "main", image: "registry.test/main:1", env }] },
    },
    ...more,
  },
});
const deployments = "/apis/apps/v1/namespaces/default/deployments";
const main = (object: any) => object.spec.template.spec.containers[0];

describe("kubectl apply", () => {
  it("makes, changes, leaves alone and removes what its file says", async () => {
    expect(await kubectl("apply", "-f", file("cm", configMap("cm", { a: "1", b: "1" })))).toBe("configmap/cm created");
    expect(await kubectl("apply", "-f", file("cm", configMap("cm", { a: "2", b: "1" })))).toBe(
      "configmap/cm configured",
    );
    expect(await kubectl("apply", "-f", file("cm", configMap("cm", { a: "2", b: "1" })))).toBe(
      "configmap/cm unchanged",
    );
    await kubectl("patch", "cm", "cm", "--type", "merge", "-p", '{"data":{"other":"x"}}');
    await kubectl("apply", "-f", file("cm", configMap("cm", { a: "2" })));
    expect((await stored(`${maps}/cm`)).data).toEqual({ a: "2", other: "x" });
  });

  it("merges containers' variables by name", async () => {
    const one = [
      { name: "A", value: "1" },
      { name: "B", value: "1" },
    ];
    await kubectl("apply", "-f", file("env", deployment("env", one)));
    await kubectl("set", "env", "deployment/env", "C=1");
    const two = [
      { name: "B", value: "2" },
      { name: "D", value: "1" },
    ];
    await kubectl("apply", "-f", file("env", deployment("env", two)));
    const names = main(await stored(`${deployments}/env`)).env.map((one: any) => `${one.name}=${one.value}`);
    expect(names.sort()).toEqual(["B=2", "C=1", "D=1"]);
    // kubectl asks for the order of its own items as long as there are others: nothing changes by that.
    const before = await stored(`${deployments}/env`);
    await kubectl("apply", "-f", file("env", deployment("env", two)));
    expect(await stored(`${deployments}/env`)).toEqual(before);
    await kubectl("set", "env", "deployment/env", "C-");
    const unchanged = await kubectl("apply", "-f", file("env", deployment("env", two)));
    expect(unchanged).toBe("deployment.apps/env unchanged");
  });

  it("changes nothing on a dry run of the server, and shows what would differ", async () => {
    await kubectl("apply", "-f", file("dry", configMap("dry", { a: "1" })));
    const changed = file("dry", configMap("dry", { a: "2" }));
    expect(await kubectl("apply", "--dry-run=server", "-f", changed)).toBe("configmap/dry configured (server dry run)");
    const diff = await run(["diff", "-f", changed]);
    expect(diff.code).toBe(1);
    expect(diff.stdout).toContain('-  a: "1"\n+  a: "2"');
    expect((await stored(`${maps}/dry`)).data).toEqual({ a: "1" });
  });

  it("prunes what its files do not name any more", async () => {
    const labels = { set: "pruned" };
    const second = file("p2", configMap("p2", {}, labels));
    await kubectl("apply", "-f", file("p1", configMap("p1", {}, labels)), "-f", second);
    const args = ["apply", "--prune", "-l", "set=pruned", "--prune-allowlist=core/v1/ConfigMap"];
    const { stdout } = await run([...args, "-f", file("p1", configMap("p1", {}, labels))]);
    expect(stdout).toContain("configmap/p2 pruned");
    expect((await stored(`${maps}/p2`)).code).toBe(404);
  });
});

describe("kubectl apply --server-side", () => {
  const apply = (manager: string, name: string, data: Record<string, string>, ...more: string[]) =>
    run(["apply", "--server-side", `--field-manager=${manager}`, "-f", file(name, configMap(name, data)), ...more]);

  it("conflicts between managers until one is forced", async () => {
    expect((await apply("one", "ssa", { a: "1", b: "1" })).stdout).toBe("configmap/ssa serverside-applied\n");
    expect((await apply("two", "ssa", { c: "1" })).code).toBe(0);
    const refused = await apply("two", "ssa", { a: "2", c: "1" });
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('Apply failed with 1 conflict: conflict with "one": .data.a');
    expect((await apply("two", "ssa", { a: "2", c: "1" }, "--force-conflicts")).code).toBe(0);
    expect((await apply("one", "ssa", { b: "1" })).code).toBe(0);
    expect((await stored(`${maps}/ssa`)).data).toEqual({ a: "2", b: "1", c: "1" });
  });

  it("takes over what was applied on the client's side", async () => {
    await kubectl("apply", "-f", file("moved", configMap("moved", { a: "1", b: "1" })));
    const moved = await apply("kubectl", "moved", { a: "2" });
    expect([moved.code, moved.stderr]).toEqual([0, ""]);
    const object = await stored(`${maps}/moved`);
    expect(object.data).toEqual({ a: "2" });
    // kubectl keeps the annotation under a name of its own, for those who go back. Entries are in order of
    // time, in seconds: which of the two is first depends on when the second turned.
    const managers = object.metadata.managedFields.map((one: any) => `${one.manager} ${one.operation}`);
    expect(managers.sort()).toEqual(["kubectl Apply", "kubectl-last-applied Apply"]);
  });
});

describe("kubectl on a deployment", () => {
  const where = `${deployments}/web`;
  beforeAll(async () => {
    await kubectl("create", "-f", file("web", deployment("web")));
  });

  it.each([
    ["json", '[{"op":"replace","path":"/spec/replicas","value":3}]', 3],
    ["merge", '{"spec":{"replicas":4}}', 4],
    ["strategic", '{"spec":{"replicas":5}}', 5],
  ])("patches by %s", async (type, body, replicas) => {
    expect(await kubectl("patch", "deployment", "web", "--type", type, "-p", body)).toBe("deployment.apps/web patched");
    expect((await stored(where)).spec.replicas).toBe(replicas);
  });

  it("labels and annotates", async () => {
    await kubectl("label", "deployment", "web", "tier=front");
    await kubectl("annotate", "deployment", "web", "note=x");
    await kubectl("label", "deployment", "web", "tier-");
    const { metadata } = await stored(where);
    expect([metadata.labels ?? {}, metadata.annotations]).toEqual([{}, expect.objectContaining({ note: "x" })]);
  });

  it("sets image, variables and resources", async () => {
    await kubectl("set", "image", "deployment/web", "main=registry.test/main:2");
    await kubectl("set", "env", "deployment/web", "B=2", "A-");
    await kubectl("set", "resources", "deployment/web", "--limits=cpu=200m");
    expect(main(await stored(where))).toMatchObject({
      image: "registry.test/main:2",
      env: [{ name: "B", value: "2" }],
      resources: { limits: { cpu: "200m" } },
    });
  });

  it("edits what its editor changes", async () => {
    const { code, stdout } = await run(["edit", "deployment", "web"], { KUBE_EDITOR: "sed -i s/main:2/main:3/" });
    expect([code, stdout]).toEqual([0, "deployment.apps/web edited\n"]);
    expect(main(await stored(where)).image).toBe("registry.test/main:3");
  });

  it("replaces", async () => {
    await kubectl("replace", "-f", file("web", deployment("web", [{ name: "Z", value: "1" }], { replicas: 1 })));
    const object = await stored(where);
    expect([object.spec.replicas, main(object).env]).toEqual([1, [{ name: "Z", value: "1" }]]);
  });
});

/** `fairlead server` as people run it: started, asked by the real kubectl over TLS, stopped and killed, on both stores. */
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { startEtcd, type Etcd } from "../fixtures/etcd.ts";
import { eventually } from "../fixtures/eventually.ts";
import { environment, launcher, startServerProcess, type ServerProcess } from "../fixtures/fairlead_server.ts";

let folder: string;
let servers: ServerProcess[];
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "fairlead-server-"));
  servers = [];
});
afterEach(async () => {
  for (const server of servers) {
    server.signal("SIGKILL");
    await server.exited;
  }
  rmSync(folder, { recursive: true, force: true });
});

async function start(flags: readonly string[] = []): Promise<ServerProcess> {
  const server = await startServerProcess(path.join(folder, "data"), ["--secure-port", "0", ...flags]);
  servers.push(server);
  return server;
}

function fairlead(args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(launcher, args, { env: environment, encoding: "utf8", timeout: 30_000 });
  return { status, stdout, stderr };
}

const names = (output: string): string[] => output.split("\n").filter((line) => line !== "");

describe.each(["embedded", "etcd"])("on the %s store", (kind) => {
  let etcd: Etcd | undefined;
  let rounds = 0;
  beforeAll(async () => {
    if (kind === "etcd") etcd = await startEtcd();
  });
  afterAll(() => etcd?.stop());
  let flags: string[];
  beforeEach(() => {
    flags = etcd ? ["--etcd-servers", etcd.endpoint, "--etcd-prefix", `/round${rounds++}`] : [];
  });

  it("serves, keeps what it has over SIGTERM and kill -9, and has its own files alone readable", async () => {
    const first = await start(flags);
    await first.run(["create", "configmap", "one", "--from-literal=a=b"]);
    expect(statSync(first.kubeconfig).mode & 0o077).toBe(0);
    expect(fairlead(["kubeconfig", "--data-dir", first.dataDir])).toEqual({
      status: 0,
      stdout: readFileSync(first.kubeconfig, "utf8"),
      stderr: "",
    });
    first.signal("SIGTERM");
    expect(await first.exited).toBe(0);

    const second = await start(flags);
    await second.run(["create", "configmap", "two"]);
    second.signal("SIGKILL");
    expect(await second.exited).toBe("SIGKILL");

    const third = await start(flags);
    const found = names(await third.run(["get", "configmaps", "-o", "name"]));
    expect(found).toEqual(expect.arrayContaining(["configmap/one", "configmap/two"]));
  });

  it("ends a running watch cleanly and finishes a request in flight when it is told to stop", async () => {
    const server = await start(flags);
    const watch = spawn("kubectl", ["--kubeconfig", server.kubeconfig, "get", "configmaps", "--watch", "-o", "name"]);
    let seen = "";
    let complaint = "";
    watch.stdout.on("data", (part: Buffer) => (seen += part.toString()));
    watch.stderr.on("data", (part: Buffer) => (complaint += part.toString()));
    const watchEnded = new Promise((resolve) => watch.once("exit", resolve));
    // A body of which the rest comes only when the server is draining.
    const body = JSON.stringify({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "late" } });
    const upload = slowUpload(server.kubeconfig, "/api/v1/namespaces/default/configmaps", body);
    await upload.half;
    await server.run(["create", "configmap", "early"]);
    await eventually("the event", () => seen.includes("configmap/early"));

    server.signal("SIGTERM");
    await eventually("draining", () => server.log().some(({ msg }) => msg === "draining"));
    expect(await watchEnded).toBe(0);
    expect(complaint).toBe("");
    upload.finish();
    expect(await upload.answer).toMatch(/^HTTP\/1\.1 201 /);
    expect(await server.exited).toBe(0);
    expect(server.log().at(-1)).toMatchObject({ msg: "stopped" });

    const again = await start(flags);
    expect(names(await again.run(["get", "configmaps", "-o", "name"]))).toContain("configmap/late");
  });
});

/** A POST over TLS whose body stops in the middle until it is told to go on. */
function slowUpload(kubeconfig: string, where: string, body: string) {
  const config = spawnSync("kubectl", ["--kubeconfig", kubeconfig, "config", "view", "--raw", "-o", "json"]);
  const { clusters, users } = JSON.parse(config.stdout.toString());
  const [user] = users;
  const files = { crt: `${kubeconfig}.crt`, key: `${kubeconfig}.key` };
  writeFileSync(files.crt, Buffer.from(user.user["client-certificate-data"], "base64"));
  writeFileSync(files.key, Buffer.from(user.user["client-key-data"], "base64"));
  const { host } = new URL(clusters[0].cluster.server);
  const args = ["s_client", "-quiet", "-connect", host, "-cert", files.crt, "-key", files.key];
  const client = spawn("openssl", args, { stdio: ["pipe", "pipe", "ignore"] });
  let answer = "";
  client.stdout.on("data", (part: Buffer) => (answer += part.toString()));
  const half = Math.floor(body.length / 2);
  client.stdin.write(
    `POST ${where} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body.slice(0, half)}`,
  );
  return {
    half: new Promise((resolve) => setTimeout(resolve, 500)),
    finish: () => client.stdin.write(body.slice(half)),
    answer: new Promise<string>((resolve) => client.once("exit", () => resolve(answer))),
  };
}

describe("a wrong command line", () => {
  it.each([
    ["--secure-port", "70000"],
    ["--secure-port", "https"],
    ["--bind-address", "here"],
    ["--advertise-address", "300.1.1.1"],
    ["--service-cluster-ip-range", "10.96.0.0"],
    ["--service-cluster-ip-range", "10.96.0.0/16,10.97.0.0/16"],
    ["--service-node-port-range", "40000-30000"],
    ["--etcd-servers", "127.0.0.1:2379"],
    ["--etcd-cafile", "/ca.crt"],
    ["--etcd-certfile", "/client.crt", "--etcd-servers", "https://127.0.0.1:2379"],
    ["--max-requests-inflight", "-1"],
    ["--log-format", "xml"],
    ["--v", "much"],
    ["--no-such-flag"],
  ])("%s %s is refused with exit code 2 and the flag's name", (...args) => {
    const { status, stdout, stderr } = fairlead(["server", "--data-dir", path.join(folder, "d"), ...args]);
    expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
    expect(stderr).toContain(args[0]);
  });
});

describe("what is in its way", () => {
  it("another server on the data directory", async () => {
    const server = await start();
    const { status, stderr } = fairlead(["server", "--data-dir", server.dataDir, "--secure-port", "0"]);
    expect(status).toBe(1);
    expect(stderr).toMatch(/^error: cannot take data directory .*: process \d+ has it .*\[DATA_DIR_IN_USE\]$/m);
    // The one that has it goes on.
    expect(names(await server.run(["get", "namespaces", "-o", "name"]))).toContain("namespace/default");
  });

  it("another program on the port", async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    const { port } = other.address() as { port: number };
    const args = ["--data-dir", path.join(folder, "d"), "--bind-address", "127.0.0.1", "--secure-port", String(port)];
    const { status, stderr } = fairlead(["server", ...args]);
    other.close();
    expect(status).toBe(1);
    expect(stderr).toMatch(/^error: cannot listen on 127\.0\.0\.1:\d+: another program has the port .*\[LISTEN\]$/m);
  });

  it("a data directory that cannot be", () => {
    const file = path.join(folder, "file");
    writeFileSync(file, "");
    for (const dataDir of [path.join(file, "data"), "/proc/data"]) {
      const { status, stderr } = fairlead(["server", "--data-dir", dataDir]);
      expect(status).toBe(1);
      expect(stderr).toContain(`error: cannot use data directory ${dataDir}: `);
    }
  });

  it("no etcd", () => {
    const args = ["--data-dir", path.join(folder, "d"), "--etcd-servers", "http://127.0.0.1:1"];
    const { status, stderr } = fairlead(["server", ...args]);
    expect(status).toBe(1);
    expect(stderr).toContain("[STORE_UNAVAILABLE]");
  });

  it("no server for its kubeconfig", () => {
    const { status, stderr } = fairlead(["kubeconfig", "--data-dir", folder]);
    expect(status).toBe(1);
    expect(stderr).toContain("[KUBECONFIG]");
  });
});

describe("what it says of itself", () => {
  it("health, metrics, request log", async () => {
    const server = await start(["--v", "4"]);
    const raw = (where: string): Promise<string> => server.run(["get", "--raw", where]);
    expect(await raw("/readyz")).toBe("ok");
    const verbose = await raw("/readyz?verbose");
    for (const line of ["[+]ping ok", "[+]etcd ok", "[+]informer-sync ok", "[+]shutdown ok", "readyz check passed"]) {
      expect(verbose.split("\n")).toContain(line);
    }
    expect(verbose).toContain("[+]poststarthook/rbac/bootstrap-roles ok");
    expect(await raw("/livez?verbose&exclude=etcd")).toContain("[+]etcd excluded: ok");
    expect(await raw("/readyz/etcd")).toBe("ok");
    await expect(raw("/readyz/nothing")).rejects.toThrow("NotFound");

    await server.run(["create", "configmap", "counted"]);
    const metrics = await raw("/metrics");
    expect(metrics).toMatch(/^apiserver_request_total\{verb="POST",.*resource="configmaps",.*code="201"\} 1$/m);
    expect(metrics).toMatch(/^apiserver_request_duration_seconds_bucket\{le="\+Inf",verb="POST",.*\} 1$/m);
    expect(metrics).toMatch(/^apiserver_storage_objects\{resource="configmaps"\} [1-9]/m);
    expect(metrics).toMatch(
      /^etcd_request_duration_seconds_count\{operation="create",group="",resource="configmaps"\} [1-9]/m,
    );
    expect(metrics).toMatch(/^apiserver_current_inflight_requests\{request_kind="readOnly"\} 1$/m);
    expect(metrics).toMatch(/^process_resident_memory_bytes \d+$/m);

    const line = server.log().find(({ msg, URI }) => msg === "HTTP" && String(URI).includes("/configmaps?"));
    expect(line).toMatchObject({ level: "info", verb: "CREATE", resp: 201 });
    expect(line!["audit-ID"]).toMatch(/^[0-9a-f-]{36}$/);
    expect(line!["latency"]).toMatch(/^\d+\.\d{3}ms$/);
    expect(line!["srcIP"]).toMatch(/^127\.0\.0\.1:\d+$/);
  });
});

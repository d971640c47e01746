/** Logs through the real kubectl, who may see them, and what else the kubelet tells of its node and pods. */
import { execFileSync } from "node:child_process";
import { appendFileSync, existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Pki } from "../../src/controlplane/apiserver/certificates/pki.ts";
import { eventually } from "../fixtures/eventually.ts";
import { followKubectl, type FollowedKubectl } from "../fixtures/kubectl.ts";
import { nodeName, startKubeletNode, type KubeletNode } from "../fixtures/kubelet_node.ts";
import { PodKit } from "../fixtures/kubelet_pods.ts";

let node: KubeletNode;
let kit: PodKit;

const speak = "echo first; echo oops >&2; i=0; while true; do i=$((i+1)); echo line $i; sleep 0.1; done";

beforeAll(async () => {
  node = await startKubeletNode((folder) => ({
    authentication: { x509: { clientCAFile: `${folder}/server/pki/ca.crt` }, webhook: { enabled: true } },
    authorization: { mode: "Webhook" },
    readOnlyPort: 10255,
  }));
  kit = new PodKit(node);
  await kit.run("speaker", { command: ["sh", "-c", speak] });
  await kit.ready("speaker");
});
afterAll(async () => {
  kit.close();
  await node.stop();
});

const logs = (...args: string[]): Promise<string> => node.run(["logs", ...args]);
const follow = (...args: string[]): FollowedKubectl =>
  followKubectl(
    [`--net=${node.containerd.namespace}`, "kubectl", "--kubeconfig", node.kubeconfig, "logs", "-f", ...args],
    { program: "nsenter" },
  );
const logFile = async (name: string, count = 0): Promise<string> => {
  const { metadata } = await node.get<any>("pod", name);
  return `${node.folders.logs}/default_${name}_${metadata.uid}/main/${count}.log`;
};

describe("kubectl logs", () => {
  it("shows both streams, the last lines, the times, and no more bytes than are asked for", async () => {
    await eventually("a few lines", async () => (await logs("speaker")).includes("line 3\n"));
    const all = (await logs("speaker")).split("\n");
    expect(all).toEqual(expect.arrayContaining(["first", "oops", "line 1", "line 2"]));
    expect((await logs("speaker", "--tail=2")).split("\n")).toHaveLength(3);
    expect(await logs("speaker", "--tail=0")).toBe("");
    expect(await logs("speaker", "--limit-bytes=4")).toMatch(/^(firs|oops)$/);
    const timed = await logs("speaker", "--timestamps", "--tail=1");
    expect(timed).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}(Z|[+-]\d\d:\d\d) line \d+\n$/);
    await eventually("a second that has no first line", async () => {
      const last = (await logs("speaker", "--since=1s")).split("\n");
      return !last.includes("first") && last.some((line) => line.startsWith("line "));
    });
    expect(
      await logs("speaker", `--since-time=${new Date(Date.now() - 3_600_000).toISOString().slice(0, 19)}Z`),
    ).toContain("first\n");
  });

  it("follows through a rotation and to the container's end", async () => {
    const command = [
      "sh",
      "-c",
      "i=0; while [ ! -e /tmp/end ]; do i=$((i+1)); echo count $i; sleep 0.02; done; echo over",
    ];
    await kit.run("rotated", { command }, { restartPolicy: "Never" });
    await kit.ready("rotated");
    const following = follow("rotated");
    try {
      await following.says("count 5\n");
      const file = await logFile("rotated");
      const id = (await node.get<any>("pod", "rotated")).status.containerStatuses[0].containerID.split("//")[1];
      for (const round of [1, 2]) {
        renameSync(file, `${file}.2026010${round}-000000`);
        await reopenLog(id);
        await eventually("the new file", () => existsSync(file) && readFileSync(file, "utf8").length > 200);
      }
      await node.run(["exec", "rotated", "--", "touch", "/tmp/end"]);
      expect(await following.ended).toBe(0);
      const lines = following.text().trimEnd().split("\n");
      expect(lines.at(-1)).toBe("over");
      // Every line, once, in order, whichever file it was in.
      expect(lines.slice(0, -1)).toEqual(lines.slice(0, -1).map((_, at) => `count ${at + 1}`));
    } finally {
      await following.stop();
    }
  });

  it("shows what a container said that was killed, and of which there is none says so", async () => {
    const command = ["sh", "-c", "echo run $(cat /proc/sys/kernel/random/uuid); sleep 1000"];
    await kit.run("killed", { command });
    await kit.ready("killed");
    const refused = await node.kubectl(["logs", "killed", "--previous"]);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('previous terminated container "main" in pod "killed" not found');
    const first = await eventually("its first words", async () => (await logs("killed")) || undefined);
    await node.kubectl(["exec", "killed", "--", "kill", "-9", "1"]);
    const id = (await node.get<any>("pod", "killed")).status.containerStatuses[0].containerID.split("//")[1];
    await node.containerd.ctr("tasks", "kill", "--signal", "SIGKILL", id);
    await eventually("its second run", async () => (await logs("killed").catch(() => first)) !== first, 30_000);
    expect(await logs("killed", "--previous")).toBe(first);
  });

  it("says why there is none", async () => {
    await kit.run("waiting", { image: "localhost/absent:1" });
    await eventually(
      "the reason",
      async () =>
        (await node.kubectl(["logs", "waiting"])).stderr.includes(
          'container "main" in pod "waiting" is waiting to start: ErrImageNeverPull',
        ),
      20_000,
    );
  });

  it("shows all containers, init containers too", async () => {
    const init = {
      name: "before",
      image: node.containerd.image,
      imagePullPolicy: "Never",
      command: ["echo", "prepared"],
    };
    const second = { name: "second", image: node.containerd.image, imagePullPolicy: "Never", command: ["echo", "two"] };
    const main = { name: "main", image: node.containerd.image, imagePullPolicy: "Never", command: ["echo", "one"] };
    await kit.run("several", {}, { initContainers: [init], containers: [main, second], restartPolicy: "Never" });
    await node.run(["wait", "--for=jsonpath={.status.phase}=Succeeded", "pod/several", "--timeout=30s"]);
    // kubectl asks for them in the order of a map, which is any.
    expect((await logs("several", "--all-containers", "--prefix")).trimEnd().split("\n").sort()).toEqual([
      "[pod/several/before] prepared",
      "[pod/several/main] one",
      "[pod/several/second] two",
    ]);
    expect(await logs("several", "-c", "second")).toBe("two\n");
  });

  it("finds the end of a large file without reading it", async () => {
    const file = await logFile("several");
    // Sparse: what lies before the last lines is nothing that can be read in time.
    execFileSync("truncate", ["-s", "10G", file]);
    appendFileSync(
      file,
      Array.from({ length: 20 }, (_, at) => `2026-01-01T00:00:00.00000000${at % 10}Z stdout F last ${at}\n`).join(""),
    );
    const beganMs = Date.now();
    expect(await logs("several", "-c", "main", "--tail=3")).toBe("last 17\nlast 18\nlast 19\n");
    expect(Date.now() - beganMs).toBeLessThan(5000);
  });
});

/** As a kubelet that rotates logs: what a CRI client says to the runtime. */
async function reopenLog(id: string): Promise<void> {
  const { openRuntime } = await import("../../src/kubelet/cri/grpc_runtime.ts");
  const runtime = openRuntime({ endpoint: node.containerd.endpoint, timeoutMs: 10_000 });
  await runtime.reopenContainerLog(id).finally(() => runtime.close());
}

/** curl to the kubelet's port, and what it answers with its code. */
async function ask(url: string, ...args: string[]): Promise<{ readonly code: number; readonly body: string }> {
  const out = await node.here("curl", "-skm20", "-w", "\n%{http_code}", ...args, url);
  const at = out.lastIndexOf("\n");
  return { code: Number(out.slice(at + 1)), body: out.slice(0, at) };
}

const kubelet = "https://127.0.0.1:10250";

/** A client's certificate of the cluster's authority, as curl takes it. */
async function certificate(commonName: string, ...organizations: string[]): Promise<string[]> {
  const { folder } = node.containerd;
  const pki = await Pki.open({ folder: path.join(folder, "server/pki"), now: Date.now });
  const made = await pki.certificate(`test-${commonName}`, {
    commonName,
    organizations,
    usage: "client",
    names: { dns: [], ip: [] },
  });
  writeFileSync(`${folder}/${commonName}.crt`, made.certificate);
  writeFileSync(`${folder}/${commonName}.key`, made.key, { mode: 0o600 });
  return ["--cert", `${folder}/${commonName}.crt`, "--key", `${folder}/${commonName}.key`];
}

describe("who asks", () => {
  it("is nobody without credentials, and is not let in", async () => {
    expect(await ask(`${kubelet}/pods`)).toEqual({ code: 401, body: "Unauthorized" });
    expect(await ask(`${kubelet}/healthz`)).toEqual({ code: 401, body: "Unauthorized" });
    expect(await ask(`${kubelet}/pods`, "-H", "Authorization: Bearer made-up")).toEqual({
      code: 401,
      body: "Unauthorized",
    });
  });

  it("is denied in upstream's words, or let in by the subresource that was granted", async () => {
    const visitor = await certificate("visitor", "guests");
    expect(await ask(`${kubelet}/pods`, ...visitor)).toEqual({
      code: 403,
      body: "Forbidden (user=visitor, verb=get, resource=nodes, subresource(s)=[pods proxy])\n",
    });
    expect(await ask(`${kubelet}/run/default/speaker/main?cmd=id`, "-XPOST", ...visitor)).toEqual({
      code: 403,
      body: "Forbidden (user=visitor, verb=create, resource=nodes, subresource(s)=[proxy])\n",
    });
    const auditor = await certificate("auditor");
    await node.run(["create", "clusterrole", "sees-pods", "--verb=get", "--resource=nodes/pods,nodes/healthz"]);
    await node.run(["create", "clusterrolebinding", "sees-pods", "--clusterrole=sees-pods", "--user=auditor"]);
    const { code, body } = await eventually(
      "the grant",
      async () => {
        const answer = await ask(`${kubelet}/pods`, ...auditor);
        return answer.code === 200 && answer;
      },
      40_000,
    );
    expect(code).toBe(200);
    const list = JSON.parse(body);
    expect(list).toMatchObject({ kind: "PodList", apiVersion: "v1" });
    expect(list.items.map(({ metadata }: any) => metadata.name)).toContain("speaker");
    expect(await ask(`${kubelet}/healthz?verbose`, ...auditor)).toEqual({
      code: 200,
      body: "[+]ping ok\n[+]log ok\n[+]syncloop ok\nhealthz check passed\n",
    });
    expect((await ask(`${kubelet}/configz`, ...auditor)).code).toBe(403);
  });

  it("may show a service account's token", async () => {
    await node.run(["create", "serviceaccount", "watcher"]);
    await node.run([
      "create",
      "clusterrolebinding",
      "watcher",
      "--clusterrole=cluster-admin",
      "--serviceaccount=default:watcher",
    ]);
    const token = (await node.run(["create", "token", "watcher"])).trim();
    const { code, body } = await ask(`${kubelet}/configz`, "-H", `Authorization: Bearer ${token}`);
    expect(code).toBe(200);
    expect(JSON.parse(body).kubeletconfig).toMatchObject({ syncFrequency: "1m0s", readOnlyPort: 10255 });
    const run = await ask(
      `${kubelet}/run/default/speaker/main?cmd=echo%20hi`,
      "-XPOST",
      "-H",
      `Authorization: Bearer ${token}`,
    );
    expect(run).toEqual({ code: 200, body: "hi\n" });
    expect(await ask(`${kubelet}/pods`, "-XPOST", "-H", `Authorization: Bearer ${token}`)).toEqual({
      code: 405,
      body: "Method Not Allowed",
    });
    expect((await ask(`${kubelet}/nothing`, "-H", `Authorization: Bearer ${token}`)).code).toBe(404);
  });

  it("may read on the read-only port, and no more", async () => {
    expect((await ask("http://127.0.0.1:10255/pods")).code).toBe(200);
    expect((await ask("http://127.0.0.1:10255/run/default/speaker/main?cmd=id", "-XPOST")).code).toBe(404);
    expect((await ask("http://127.0.0.1:10255/containerLogs/default/speaker/main")).code).toBe(404);
    expect(await ask("http://127.0.0.1:10248/healthz")).toEqual({ code: 200, body: "ok" });
  });
});

describe("what the kubelet measures", () => {
  const raw = (below: string): Promise<string> => node.run(["get", "--raw", `/api/v1/nodes/${nodeName}/proxy${below}`]);
  /** Values of a family by their labels, as Prometheus reads them. */
  const values = (text: string, name: string): Map<string, number> =>
    new Map(
      text
        .split("\n")
        .filter((one) => one.startsWith(`${name}{`) || one.startsWith(`${name} `))
        .map((one) => {
          const [, labels = "", value = ""] = /^[a-z_]+(?:\{(.*)\})? (\S+)/.exec(one) ?? [];
          return [labels, Number(value)] as const;
        }),
    );

  it("is what pods use, in the three forms that are asked for", async () => {
    // Something that is larger than what a shell needs, and that is counted.
    const hog =
      "dd if=/dev/zero of=/dev/shm/held bs=1M count=40; dd if=/dev/zero of=/work/file bs=1M count=1; i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done; echo ready; sleep 1000";
    await kit.create(
      kit.pod(
        "busy",
        {
          command: ["sh", "-c", hog],
          readinessProbe: { exec: { command: ["true"] }, periodSeconds: 1 },
          volumeMounts: [{ name: "work", mountPath: "/work" }],
        },
        { volumes: [{ name: "work", emptyDir: {} }] },
      ),
    );
    await node.run(["wait", "--for=condition=Ready", "pod/busy", "--timeout=60s"]);
    await eventually("its work", async () => (await logs("busy")).includes("ready"), 60_000);
    const resource = await eventually("the pod's use", async () => {
      const text = await raw("/metrics/resource");
      return (values(text, "container_memory_working_set_bytes").get(busy) ?? 0) > 40e6 && text;
    });
    expect(values(resource, "container_cpu_usage_seconds_total").get(busy)).toBeGreaterThan(0.05);
    expect(values(resource, "pod_memory_working_set_bytes").get('namespace="default",pod="busy"')).toBeGreaterThan(
      40e6,
    );
    expect(values(resource, "node_cpu_usage_seconds_total").get("")).toBeGreaterThan(1);
    expect(values(resource, "resource_scrape_error").get("")).toBe(0);
    const { node: whole, pods } = JSON.parse(await raw("/stats/summary"));
    expect(whole).toMatchObject({ nodeName, cpu: { usageCoreNanoSeconds: expect.any(Number) } });
    expect(whole.memory.availableBytes).toBeGreaterThan(0);
    expect(whole.fs.capacityBytes).toBeGreaterThan(whole.fs.availableBytes);
    const own = pods.find(({ podRef }: any) => podRef.name === "busy");
    expect(own.memory.workingSetBytes).toBeGreaterThan(40e6);
    expect(own.network).toMatchObject({ name: "eth0", rxErrors: 0 });
    expect(own.containers[0]).toMatchObject({ name: "main", cpu: { usageCoreNanoSeconds: expect.any(Number) } });
    expect(own.containers[0].logs.usedBytes).toBeGreaterThan(0);
    expect(own.containers[0].rootfs.capacityBytes).toBeGreaterThan(0);
    // Counted beside, so that no scrape waits for it.
    const volume = await eventually("its volume's use", async () => {
      const summary = JSON.parse(await raw("/stats/summary"));
      return summary.pods
        .find(({ podRef }: any) => podRef.name === "busy")
        .volume?.find(({ name }: any) => name === "work");
    });
    expect(volume.usedBytes).toBeGreaterThanOrEqual(1024 * 1024);
    expect(own.process_stats.process_count).toBeGreaterThanOrEqual(2);
    const cadvisor = await raw("/metrics/cadvisor");
    const ofPod = (name: string, container: string): number[] =>
      [...values(cadvisor, name)]
        .filter(([labels]) => labels.includes('pod="busy"') && labels.includes(`container="${container}"`))
        .map(([, value]) => value);
    expect(ofPod("container_memory_working_set_bytes", "main")[0]).toBeGreaterThan(40e6);
    expect(ofPod("container_cpu_usage_seconds_total", "")).toHaveLength(1);
    expect(ofPod("container_network_receive_bytes_total", "")).toHaveLength(1);
    expect(values(cadvisor, "machine_memory_bytes").get("")).toBeGreaterThan(1e8);
  });

  it("is its own work, by upstream's names", async () => {
    const text = await raw("/metrics");
    expect(values(text, "kubelet_node_name").get(`node="${nodeName}"`)).toBe(1);
    expect(values(text, "kubelet_running_pods").get("")).toBeGreaterThanOrEqual(2);
    expect(values(text, "kubelet_running_containers").get('container_state="running"')).toBeGreaterThanOrEqual(2);
    expect(
      values(text, "kubelet_runtime_operations_total").get('operation_type="run_podsandbox"'),
    ).toBeGreaterThanOrEqual(2);
    expect(values(text, "kubelet_started_containers_total").get('container_type="container"')).toBeGreaterThanOrEqual(
      2,
    );
    expect(values(text, "kubelet_pod_start_duration_seconds_count").get("")).toBeGreaterThanOrEqual(2);
    expect(
      values(text, "kubelet_pod_worker_duration_seconds_count").get('operation_type="create"'),
    ).toBeGreaterThanOrEqual(2);
    expect(values(text, "process_resident_memory_bytes").get("")).toBeGreaterThan(1e7);
    expect(values(text, "kubelet_cgroup_version").get("")).toBe(
      existsSync("/sys/fs/cgroup/cgroup.controllers") ? 2 : 1,
    );
    const changes = values(text, "kubelet_cgroup_manager_duration_seconds_count");
    expect(changes.get('operation_type="create"')).toBeGreaterThanOrEqual(2);
    expect(values(text, "kubelet_evented_pleg_connection_success_count").get("")).toBeGreaterThanOrEqual(1);
    // Of the pod that has ended by itself.
    expect(values(text, "kubelet_evented_pleg_connection_latency_seconds_count").get("")).toBeGreaterThanOrEqual(1);
    expect(values(text, "kubelet_node_startup_registration_duration_seconds").get("")).toBeGreaterThan(0);
    expect(values(text, "kubelet_node_startup_duration_seconds").get("")).toBeGreaterThan(0);
    expect(values(text, "kubelet_pod_start_total_duration_seconds_count").get("")).toBeGreaterThanOrEqual(2);
    expect(values(text, "kubelet_pod_status_sync_duration_seconds_count").get("")).toBeGreaterThanOrEqual(2);
    const desired = 'lifecycle="sync",config="desired",static=""';
    expect(values(text, "kubelet_working_pods").get(desired)).toBeGreaterThanOrEqual(2);
    const [log] = [...values(text, "kubelet_container_log_filesystem_used_bytes")].filter(([labels]) =>
      labels.includes('pod="speaker"'),
    );
    expect(log?.[0]).toMatch(/^uid=".*",namespace="default",pod="speaker",container="main"$/);
    expect(log?.[1]).toBeGreaterThan(0);
    const written = [...values(text, "rest_client_requests_total")].filter(([labels]) => labels.includes("PATCH"));
    expect(written.length).toBeGreaterThanOrEqual(1);
    const families = [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name);
    // Two families of one name are an error to Prometheus.
    expect(new Set(families).size).toBe(families.length);
    const metrics = [...values(text, "kubelet_http_requests_total").keys()];
    expect(metrics).toContain('method="GET",path="containerLogs",server_type="readwrite",long_running="false"');
    const probes = await eventually("probes", async () => values(await raw("/metrics/probes"), "prober_probe_total"));
    const [labels = "", count = 0] = [...probes][0] ?? [];
    expect(labels).toMatch(
      /^container="main",namespace="default",pod="busy",pod_uid=".*",probe_type="Readiness",result="successful"$/,
    );
    expect(count).toBeGreaterThanOrEqual(1);
    await node.run(["delete", "pod", "busy", "--timeout=30s"]);
    await eventually("no series of it", async () => !(await raw("/metrics/probes")).includes("busy"));
  });
});

const busy = 'container="main",namespace="default",pod="busy"';

describe("kubectl get --raw", () => {
  it("reaches the kubelet as nodes/proxy", async () => {
    const running = JSON.parse(await node.run(["get", "--raw", `/api/v1/nodes/${nodeName}/proxy/runningpods/`]));
    expect(running.items.map(({ metadata }: any) => metadata.name)).toContain("speaker");
    expect(await node.run(["get", "--raw", `/api/v1/nodes/${nodeName}/proxy/logs/`])).toContain("<pre>");
  });
});

/** What a pod may ask for, and what is then seen from within it: our server, our plugin, the node's own rights. */
import { mkdirSync, readFileSync, readlinkSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually } from "../fixtures/eventually.ts";
import { startKubeletNode, type KubeletNode } from "../fixtures/kubelet_node.ts";
import { conditionOf, patienceMs, PodKit, sleeps, statusOf } from "../fixtures/kubelet_pods.ts";
import { hostAddress, podNetworkPlace } from "../fixtures/node_pod_network.ts";

let node: KubeletNode;
let kit: PodKit;

interface Row {
  readonly does: string;
  /** Made before the pod. */
  readonly with?: readonly object[];
  readonly main?: object;
  readonly spec?: () => object;
  readonly metadata?: object;
  /** @param name the pod's */
  readonly see: (name: string) => Promise<void>;
}

const runtimeClass = (name: string, handler: string, more: object = {}): object => ({
  apiVersion: "node.k8s.io/v1",
  kind: "RuntimeClass",
  metadata: { name },
  handler,
  ...more,
});

const words = async (name: string, script: string): Promise<string> => {
  await kit.ready(name);
  return (await kit.shell(name, script)).trim();
};

/** A folder of the node that outlives pods, as the volume "shared". */
const shared = (): object => {
  mkdirSync(`${node.containerd.folder}/shared`, { recursive: true });
  return { volumes: [{ name: "shared", hostPath: { path: `${node.containerd.folder}/shared` } }] };
};
const sharedMount = { volumeMounts: [{ name: "shared", mountPath: "/shared" }] };
const sharedLines = (file: string): string[] =>
  readFileSync(`${node.containerd.folder}/shared/${file}`, "utf8").split("\n").slice(0, -1);
/** Says when it begins and when it is told to end. */
const telling = (who: string, file: string): object => ({
  command: [
    "sh",
    "-c",
    `echo ${who} begins >> /shared/${file}; trap 'echo ${who} ends >> /shared/${file}; exit' TERM; while :; do sleep 0.1; done`,
  ],
  ...sharedMount,
});

const rows: Readonly<Record<string, Row>> = {
  aliases: {
    does: "knows host aliases, its hostname and its subdomain",
    spec: () => ({
      hostname: "shop",
      subdomain: "stores",
      hostAliases: [{ ip: "192.0.2.7", hostnames: ["till", "desk"] }],
    }),
    async see(name) {
      const { status } = await kit.ready(name);
      const hosts = await words(name, "cat /etc/hosts");
      expect(hosts).toContain("192.0.2.7\ttill\tdesk");
      expect(hosts).toContain(`${status.podIP}\tshop.stores.default.svc.cluster.local\tshop`);
      expect(await words(name, "hostname")).toBe("shop");
    },
  },
  fqdn: {
    does: "has its whole name as its hostname, where setHostnameAsFQDN says so",
    spec: () => ({ hostname: "shop", subdomain: "stores", setHostnameAsFQDN: true }),
    see: async (name) => expect(await words(name, "hostname")).toBe("shop.stores.default.svc.cluster.local"),
  },
  "dns-cluster": {
    does: "asks the cluster's DNS, with what dnsConfig adds",
    spec: () => ({ dnsConfig: { searches: ["example.org"], options: [{ name: "ndots", value: "3" }] } }),
    async see(name) {
      const text = await words(name, "cat /etc/resolv.conf");
      expect(text).toContain("nameserver 10.96.0.10");
      expect(text).toMatch(/^search default\.svc\.cluster\.local svc\.cluster\.local cluster\.local.* example\.org$/m);
      expect(text).toContain("options ndots:3");
    },
  },
  "dns-default": {
    does: "asks the node's DNS under dnsPolicy Default",
    spec: () => ({ dnsPolicy: "Default" }),
    async see(name) {
      const servers = (text: string): string[] => text.split("\n").filter((line) => line.startsWith("nameserver"));
      const own = servers(readFileSync("/etc/resolv.conf", "utf8")).slice(0, 3);
      expect(servers(await words(name, "cat /etc/resolv.conf"))).toEqual(own);
    },
  },
  "dns-none": {
    does: "asks nobody but whom dnsConfig names under dnsPolicy None",
    spec: () => ({ dnsPolicy: "None", dnsConfig: { nameservers: ["192.0.2.53"], searches: ["example.org"] } }),
    see: async (name) =>
      expect(await words(name, "cat /etc/resolv.conf")).toBe("search example.org\nnameserver 192.0.2.53"),
  },
  "host-network": {
    does: "is in the node's network, with the cluster's DNS under ClusterFirstWithHostNet",
    spec: () => ({ hostNetwork: true, dnsPolicy: "ClusterFirstWithHostNet" }),
    async see(name) {
      const { status } = await kit.ready(name);
      expect(status.podIP).toBe(status.hostIP);
      const link = (await node.here("readlink", "/proc/self/ns/net")).trim();
      expect(await words(name, "readlink /proc/self/ns/net")).toBe(link);
      expect(await words(name, "cat /etc/resolv.conf")).toContain("nameserver 10.96.0.10");
      expect(await words(name, "head -1 /etc/hosts")).toBe("# Kubernetes-managed hosts file (host network).");
    },
  },
  "host-pid": {
    does: "sees the node's processes and its IPC",
    spec: () => ({ hostPID: true, hostIPC: true }),
    async see(name) {
      for (const space of ["pid", "ipc"]) {
        expect(await words(name, `readlink /proc/self/ns/${space}`)).toBe(readlinkSync(`/proc/self/ns/${space}`));
      }
    },
  },
  "own-spaces": {
    does: "has network, processes and IPC of its own",
    async see(name) {
      for (const space of ["net", "pid", "ipc", "uts"]) {
        expect(await words(name, `readlink /proc/self/ns/${space}`)).not.toBe(readlinkSync(`/proc/self/ns/${space}`));
      }
    },
  },
  "shared-pid": {
    does: "shares its processes among its containers",
    spec: () => ({
      shareProcessNamespace: true,
      containers: [kit.container("main"), kit.container("other", { command: ["sleep", "424242"] })],
    }),
    see: async (name) => expect(await words(name, "ps -o args")).toContain("sleep 424242"),
  },
  "host-port": {
    does: "is reached at the node's port",
    main: {
      command: ["sh", "-c", "mkdir /www; echo here > /www/index.html; exec httpd -f -p 80 -h /www"],
      ports: [{ containerPort: 80, hostPort: 30080 }],
      readinessProbe: { tcpSocket: { port: 80 }, periodSeconds: 1 },
    },
    async see(name) {
      await kit.ready(name);
      const ask = `exec 3<>/dev/tcp/${hostAddress}/30080; printf 'GET / HTTP/1.0\\r\\n\\r\\n' >&3; cat <&3`;
      expect(await node.here("timeout", "30", "bash", "--norc", "-c", ask)).toMatch(/\nhere\n$/);
    },
  },
  user: {
    does: "runs as its user and groups, without privileges",
    main: {
      ...sleeps,
      securityContext: {
        runAsNonRoot: true,
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ["ALL"] },
        seccompProfile: { type: "RuntimeDefault" },
      },
    },
    spec: () => ({ securityContext: { runAsUser: 1000, runAsGroup: 3000, supplementalGroups: [4000], fsGroup: 5000 } }),
    async see(name) {
      expect(await words(name, "id -u; id -g; id -G")).toMatch(/^1000\n3000\n3000 (4000 5000|5000 4000)$/);
      const status = await words(name, "cat /proc/self/status");
      expect(status).toMatch(/^CapEff:\t0+$/m);
      expect(status).toMatch(/^NoNewPrivs:\t1$/m);
      expect(status).toMatch(/^Seccomp:\t2$/m);
      expect(await kit.shell(name, "touch /file 2>&1 | grep -o 'Read-only file system'")).toContain("Read-only");
    },
  },
  "bad-user": {
    does: "is not started as root where it must not be",
    main: { ...sleeps, securityContext: { runAsNonRoot: true } },
    async see(name) {
      const waits = (pod: any): boolean => statusOf(pod)?.state.waiting?.reason === "CreateContainerConfigError";
      const pod = await kit.when(name, "refusal", waits);
      expect(statusOf(pod).state.waiting.message).toMatch(
        /^container has runAsNonRoot and image will run as root \(pod/,
      );
      await kit.event(name, /^Warning Failed spec\.containers\{main\} Error: container has runAsNonRoot/);
    },
  },
  privileged: {
    does: "may do all where it is privileged",
    main: { ...sleeps, securityContext: { privileged: true } },
    async see(name) {
      const status = await words(name, "cat /proc/self/status");
      expect(status).toMatch(/^Seccomp:\t0$/m);
      expect(await words(name, "test -w /proc/sys/kernel/hostname && echo writable")).toBe("writable");
    },
  },
  sysctls: {
    does: "has its sysctls",
    spec: () => ({ securityContext: { sysctls: [{ name: "net.ipv4.ip_local_port_range", value: "2000 3000" }] } }),
    see: async (name) => expect(await words(name, "cat /proc/sys/net/ipv4/ip_local_port_range")).toBe("2000\t3000"),
  },
  class: {
    does: "runs under its RuntimeClass, whose overhead it bears",
    with: [runtimeClass("plain", "runc", { overhead: { podFixed: { memory: "16Mi" } } })],
    spec: () => ({ runtimeClassName: "plain" }),
    async see(name) {
      const { spec } = await kit.ready(name);
      expect(spec.overhead).toEqual({ memory: "16Mi" });
    },
  },
  "no-class": {
    does: "is not run where no handler is there",
    with: [runtimeClass("odd", "odd")],
    spec: () => ({ runtimeClassName: "odd" }),
    see: async (name) =>
      void (await kit.event(
        name,
        /^Warning FailedCreatePodSandBox Failed to create pod sandbox: rpc error: code = Unknown desc = .*no runtime for "odd" is configured/,
      )),
  },
  gated: {
    does: "is ready once its readiness gates are",
    spec: () => ({ readinessGates: [{ conditionType: "example.org/open" }] }),
    async see(name) {
      const pod = await kit.when(name, "running", (one) => conditionOf(one, "ContainersReady")?.status === "True");
      expect(conditionOf(pod, "Ready")).toMatchObject({ status: "False", reason: "ReadinessGatesNotReady" });
      await setCondition(name, { type: "example.org/open", status: "True" });
      await kit.ready(name);
    },
  },
  disrupted: {
    does: "keeps conditions that others set",
    async see(name) {
      await kit.ready(name);
      const condition = { type: "DisruptionTarget", status: "True", reason: "EvictionByEvictionAPI" };
      await setCondition(name, condition);
      await kit.node.run(["annotate", "pod", name, "touched=yes"]);
      await kit.node.run(["delete", "pod", name, "--wait=false", "--grace-period=1"]);
      const seen = await eventually(
        "its last status",
        async () => {
          const all = await node.get<any>("pods", "--field-selector", `metadata.name=${name}`);
          const [pod] = all.items;
          return !pod || conditionOf(pod, "Ready")?.status === "False" ? { pod } : undefined;
        },
        patienceMs,
      );
      if (seen.pod) expect(conditionOf(seen.pod, "DisruptionTarget")).toMatchObject(condition);
    },
  },
  sidecars: {
    does: "starts sidecars first, and ends them last, the last first",
    spec: () => ({
      ...shared(),
      terminationGracePeriodSeconds: 60,
      initContainers: [
        kit.container("one", { restartPolicy: "Always", ...telling("one", "sidecars") }),
        kit.container("two", { restartPolicy: "Always", ...telling("two", "sidecars") }),
      ],
      containers: [kit.container("main", telling("main", "sidecars"))],
    }),
    async see(name) {
      await kit.ready(name);
      await eventually("all of them", () => sharedLines("sidecars").length === 3, patienceMs);
      await kit.delete(name);
      const order = ["one begins", "two begins", "main begins", "main ends", "two ends", "one ends"];
      expect(sharedLines("sidecars")).toEqual(order);
    },
  },
  "sidecars-late": {
    does: "gives sidecars what the others leave of the grace period",
    spec: () => ({
      ...shared(),
      terminationGracePeriodSeconds: 4,
      initContainers: [
        kit.container("deaf", {
          restartPolicy: "Always",
          command: ["sh", "-c", "trap '' TERM; while :; do sleep 0.1; done"],
        }),
      ],
      containers: [
        kit.container("main", { command: ["sh", "-c", "trap 'sleep 3; exit' TERM; while :; do sleep 0.1; done"] }),
      ],
    }),
    async see(name) {
      const { metadata } = await kit.ready(name);
      const begun = Date.now();
      await kit.delete(name);
      expect(metadata.uid).not.toBe("");
      // 4 s of the pod and 2 s at the least of a sidecar: 4 s each would be 8 s on an idle machine.
      expect(Date.now() - begun).toBeGreaterThan(3000);
      expect((await kit.events(name)).filter((text) => text.includes("Killing"))).toEqual([
        "Normal Killing spec.containers{main} Stopping container main",
        "Normal Killing spec.initContainers{deaf} Stopping container deaf",
      ]);
    },
  },
  "sidecar-of-job": {
    does: "is done although a sidecar runs on",
    spec: () => ({
      restartPolicy: "Never",
      initContainers: [kit.container("beside", { restartPolicy: "Always", ...sleeps })],
      containers: [kit.container("main", { command: ["true"] })],
    }),
    async see(name) {
      const pod = await kit.phase(name, "Succeeded");
      const ended = await kit.when(name, "the sidecar's end", (one) => statusOf(one, "beside").state.terminated);
      expect(statusOf(pod).state.terminated.reason).toBe("Completed");
      expect(statusOf(ended, "beside").restartCount).toBe(0);
    },
  },
  hooks: {
    does: "runs its hooks: exec, httpGet, sleep",
    spec: () => ({
      ...shared(),
      terminationGracePeriodSeconds: 30,
      containers: [
        kit.container("main", {
          ...telling("main", "hooks"),
          lifecycle: {
            postStart: { exec: { command: ["sh", "-c", "echo main has begun >> /shared/hooks"] } },
            preStop: { httpGet: { path: "/cgi-bin/bye", port: 8080 } },
          },
        }),
        kit.container("web", {
          command: [
            "sh",
            "-c",
            "mkdir -p /www/cgi-bin; printf '#!/bin/sh\\necho main will end >> /shared/hooks\\necho; echo ok\\n' > /www/cgi-bin/bye; chmod +x /www/cgi-bin/bye; httpd -p 8080 -h /www; trap exit TERM; while :; do sleep 0.1; done",
          ],
          ...sharedMount,
          lifecycle: { preStop: { sleep: { seconds: 3 } } },
        }),
      ],
    }),
    async see(name) {
      await kit.ready(name);
      await eventually("its start", () => sharedLines("hooks").length === 2, patienceMs);
      const begun = Date.now();
      await kit.delete(name);
      expect(Date.now() - begun).toBeGreaterThan(3000);
      expect(sharedLines("hooks").slice(0, 2).sort()).toEqual(["main begins", "main has begun"]);
      expect(sharedLines("hooks").slice(2)).toEqual(["main will end", "main ends"]);
    },
  },
  "bad-hooks": {
    does: "is ended where its postStart hook fails, and says so",
    main: { ...sleeps, lifecycle: { postStart: { exec: { command: ["sh", "-c", "echo secret; exit 3"] } } } },
    async see(name) {
      await kit.event(name, /^Warning FailedPostStartHook spec\.containers\{main\} PostStartHook failed$/);
      await kit.event(name, /^Normal Killing spec\.containers\{main\} FailedPostStartHook$/);
      await kit.when(name, "its restart", (pod) => statusOf(pod)?.restartCount > 0);
    },
  },
  deadline: {
    does: "fails past its deadline",
    spec: () => ({ activeDeadlineSeconds: 2 }),
    async see(name) {
      const { status } = await kit.phase(name, "Failed");
      expect(status).toMatchObject({
        reason: "DeadlineExceeded",
        message: "Pod was active on the node longer than the specified deadline",
      });
      await kit.event(name, /^Normal DeadlineExceeded Pod was active/);
    },
  },
  "last-words": {
    does: "has last words from its log where it says none and fails",
    main: {
      command: ["sh", "-c", "echo it hurts; exit 9"],
      terminationMessagePolicy: "FallbackToLogsOnError",
      terminationMessagePath: "/dev/words",
    },
    spec: () => ({ restartPolicy: "Never" }),
    async see(name) {
      const pod = await kit.phase(name, "Failed");
      expect(statusOf(pod).state.terminated).toMatchObject({ exitCode: 9, message: "it hurts" });
    },
  },
  ephemeral: {
    does: "takes a container beside the others, which sees the processes of the one that it is to look at",
    main: { command: ["sleep", "434343"] },
    async see(name) {
      await kit.ready(name);
      const { image } = node.containerd;
      const flags = ["--image", image, "--image-pull-policy", "Never", "--target", "main", "-c", "look"];
      await node.run(["debug", name, ...flags, "--", "sleep", "100000"]);
      await kit.when(name, "the container", (pod) => statusOf(pod, "look")?.state.running);
      expect(await kit.execIn(name, "look", "ps", "-o", "args")).toContain("sleep 434343");
      await kit.event(name, /^Normal Started spec\.ephemeralContainers\{look\} Started container look$/);
    },
  },
  "ephemeral-early": {
    does: "takes a container while its init containers still run",
    spec: () => ({ initContainers: [kit.container("long")] }),
    async see(name) {
      await kit.when(name, "the init container", (pod) => statusOf(pod, "long")?.state.running);
      const flags = ["--image", node.containerd.image, "--image-pull-policy", "Never", "-c", "look"];
      await node.run(["debug", name, ...flags, "--", "sleep", "100000"]);
      await kit.when(name, "the container", (pod) => statusOf(pod, "look")?.state.running);
    },
  },
};

async function setCondition(name: string, condition: object): Promise<void> {
  const lastTransitionTime = new Date().toISOString().replace(/\.\d+/, "");
  const patch = JSON.stringify({ status: { conditions: [{ ...condition, lastTransitionTime }] } });
  await node.run(["patch", "pod", name, "--subresource=status", "--type=strategic", "-p", patch]);
}

beforeAll(async () => {
  node = await startKubeletNode({}, { network: await podNetworkPlace() });
  kit = new PodKit(node);
  const all = Object.entries(rows);
  const before = all.flatMap(([, row]) => row.with ?? []);
  await kit.create(...before);
  // All at once: each is ready by the time that it is looked at.
  await kit.create(...all.map(([name, { main, spec, metadata }]) => kit.pod(name, main, spec?.(), metadata)));
}, 240_000);
afterAll(async () => {
  kit?.close();
  await node?.stop();
});

describe("a pod", () => {
  it.each(Object.entries(rows).map(([name, { does, see }]) => [does, name, see] as const))(
    "%s (%s)",
    (_, name, see) => see(name),
    240_000,
  );
});

describe("Events", () => {
  it("say which container they are about, in upstream's words", async () => {
    const said = await kit.events("shared-pid");
    const { image } = node.containerd;
    for (const container of ["main", "other"]) {
      expect(said).toEqual(
        expect.arrayContaining([
          `Normal Pulled spec.containers{${container}} Container image "${image}" already present on machine`,
          `Normal Created spec.containers{${container}} Created container: ${container}`,
          `Normal Started spec.containers{${container}} Started container ${container}`,
        ]),
      );
    }
    expect(said.filter((text) => text.includes("Pulled"))).toHaveLength(2);
  });
});

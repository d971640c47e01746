/** `fairlead proxy` on a node of a cluster with RBAC: real packets, kubectl, and another proxy's rules. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { RealNftables } from "../../src/kernel/real/nftables.ts";
import { addresses } from "../fixtures/addresses.ts";
import { eventually } from "../fixtures/eventually.ts";
import { startServerProcess, type ServerProcess } from "../fixtures/fairlead_server.ts";
import { run } from "../fixtures/namespace.ts";
import { NodeNetwork, type HostName } from "../fixtures/node_network.ts";
import { LastingConnection, ProxyProcess } from "../fixtures/proxy_process.ts";

const { pods, node: nodeAddress } = addresses.IPv4;
const clusterIp = "10.96.0.50";
const targetPort = 8080;
const echoPort = 9090;

let folder: string;
let network: NodeNetwork;
let server: ServerProcess;
let kubeconfig: string;
const running = new Set<ProxyProcess>();

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), "fairlead-proxy-"));
  network = await NodeNetwork.start();
  const flags = ["--service-cluster-ip-range", "10.96.0.0/16,fd00:10:96::/112", "--disable-scheduler"];
  server = await startServerProcess(path.join(folder, "data"), flags, network.hosts.node.path);
  for (const pod of ["one", "two"] as const) {
    const listen = { do: "listen", protocol: "TCP", address: pods[pod], port: targetPort } as const;
    expect(await network.hosts[pod].command(listen)).toEqual({ answer: "" });
  }
  await server.run(["apply", "-f", "-"], { apiVersion: "v1", kind: "List", items: objects() });
  const status = { addresses: [{ type: "InternalIP", address: nodeAddress }] };
  const patch = JSON.stringify({ status });
  await server.run(["patch", "node", "n1", "--subresource=status", "--type=merge", "-p", patch]);
  kubeconfig = await proxyKubeconfig();
}, 90_000);

afterEach(async () => {
  await Promise.all([...running].map((proxy) => proxy.stop("SIGKILL")));
  running.clear();
  await nft("flush", "ruleset");
});

afterAll(async () => {
  server?.signal("SIGTERM");
  await server?.exited;
  await network?.stop();
  rmSync(folder, { recursive: true, force: true });
});

function objects(): readonly object[] {
  const slice = (pod: "one" | "two") => ({
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name: `web-${pod}`, namespace: "default", labels: { "kubernetes.io/service-name": "web" } },
    addressType: "IPv4",
    ports: [
      { name: "http", port: targetPort },
      { name: "echo", port: echoPort },
    ],
    endpoints: [{ addresses: [pods[pod]], nodeName: "n1" }],
  });
  const ports = [
    { name: "http", port: 80 },
    { name: "echo", port: 9 },
  ];
  return [
    { apiVersion: "v1", kind: "Node", metadata: { name: "n1" } },
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "web", namespace: "default" },
      spec: { clusterIP: clusterIp, ports },
    },
    slice("one"),
    slice("two"),
  ];
}

/** Of a service account that has the role system:node-proxier and nothing else, as kubeadm's has. */
async function proxyKubeconfig(): Promise<string> {
  await server.run(["create", "serviceaccount", "kube-proxy", "-n", "kube-system"]);
  const account = "--serviceaccount=kube-system:kube-proxy";
  await server.run([
    "create",
    "clusterrolebinding",
    "kubeadm:node-proxier",
    "--clusterrole=system:node-proxier",
    account,
  ]);
  const token = (await server.run(["create", "token", "kube-proxy", "-n", "kube-system"])).trim();
  const config = JSON.parse(await server.run(["config", "view", "--raw", "--minify", "-o", "json"])) as {
    clusters: { cluster: object }[];
  };
  const file = path.join(folder, "kubeconfig");
  writeFileSync(
    file,
    JSON.stringify({
      "current-context": "proxy",
      clusters: [{ name: "cluster", cluster: config.clusters[0]!.cluster }],
      users: [{ name: "proxy", user: { token } }],
      contexts: [{ name: "proxy", context: { cluster: "cluster", user: "proxy" } }],
    }),
  );
  return file;
}

function nft(...args: readonly string[]): Promise<string> {
  return run(network.hosts.node.namespace, ["nft", ...args]);
}

function launch(...flags: readonly string[]): ProxyProcess {
  const proxy = new ProxyProcess(network.hosts.node.path, flags);
  running.add(proxy);
  return proxy;
}

async function startProxy(...flags: readonly string[]): Promise<ProxyProcess> {
  const cluster = [
    "--kubeconfig",
    kubeconfig,
    "--hostname-override",
    "n1",
    "--cluster-cidr",
    addresses.IPv4.clusterCidr,
  ];
  const proxy = launch(...cluster, "--conntrack-max-per-core", "0", ...flags);
  await proxy.says("programmed");
  return proxy;
}

async function stopProxy(proxy: ProxyProcess): Promise<void> {
  running.delete(proxy);
  expect(await proxy.stop()).toMatchObject({ code: 0 });
}

/** Who answers at the cluster IP. */
async function ask(from: HostName = "two"): Promise<string> {
  const answer = await network.hosts[from].command({
    do: "ask",
    protocol: "TCP",
    address: clusterIp,
    port: 80,
    timeoutMs: 5000,
  });
  if ("error" in answer) throw new Error(`no answer: ${answer.error}`);
  return answer.answer.split(" ")[0]!;
}

async function serve(...ready: readonly ("one" | "two")[]): Promise<void> {
  for (const pod of ["one", "two"] as const) {
    const endpoints = [{ addresses: [pods[pod]], nodeName: "n1", conditions: { ready: ready.includes(pod) } }];
    await server.run(["patch", "endpointslice", `web-${pod}`, "--type=merge", "-p", JSON.stringify({ endpoints })]);
  }
}

describe("a proxy with the role system:node-proxier alone", () => {
  it("serves, follows changes, repairs what others break, and leaves all in place when it ends", async () => {
    const proxy = await startProxy();
    expect(["one", "two"]).toContain(await ask("one"));
    await serve("one");
    await eventually(
      "answers of one alone",
      async () => !(await nft("list", "map", "ip", "fairlead", "endpoints")).includes(pods.two),
    );
    for (let i = 0; i < 5; i++) expect(await ask()).toBe("one");

    await nft("flush", "ruleset");
    await eventually("the table", async () => (await nft("list", "tables")).includes("ip fairlead"));
    expect(await ask()).toBe("one");

    const events = await server.run(["get", "events", "-A", "-o", "json"]);
    const { items } = JSON.parse(events) as { items: { reason: string; involvedObject: object; source: object }[] };
    expect(items.find(({ reason }) => reason === "Starting")).toMatchObject({
      type: "Normal",
      involvedObject: { kind: "Node", name: "n1", uid: "n1" },
      source: { component: "kube-proxy", host: "n1" },
    });
    expect(proxy.output).not.toMatch(/WARN|ERROR/);
    await stopProxy(proxy);
    expect(await ask()).toBe("one");
    await serve("one", "two");
  }, 60_000);

  it("that is started again writes nothing, and no connection breaks", async () => {
    await stopProxy(await startProxy());
    const { node, one, two } = network.hosts;
    const port = await RealNftables.open(node.namespace);
    await serve("one");
    await stopProxy(await startProxy());
    const connection = await LastingConnection.open(
      two.path,
      { namespace: one.path, port: echoPort },
      { address: clusterIp, port: 9 },
    );
    try {
      await connection.goesOn();
      const before = await port.generation();
      const again = await startProxy();
      await connection.goesOn();
      expect(await port.generation()).toBe(before);
      await stopProxy(again);
      await connection.goesOn();
    } finally {
      await connection.stop();
      port.close();
      await serve("one", "two");
    }
  }, 90_000);

  it("leaves nothing behind with --cleanup", async () => {
    await stopProxy(await startProxy());
    await nft("add table ip theirs");
    expect(await launch("--cleanup").ended).toMatchObject({ code: 0 });
    expect((await nft("list", "ruleset")).trim()).toBe("table ip theirs {\n}");
    expect(await launch("--cleanup").ended).toMatchObject({ code: 0 });
  }, 60_000);
});

describe("the iptables mode", () => {
  const chains = async (): Promise<string> => {
    const { namespace } = network.hosts.node;
    const saved = await Promise.all(
      ["iptables-nft-save", "iptables-legacy-save"].map((program) => run(namespace, [program])),
    );
    return saved.join("");
  };

  it("serves, follows changes, is taken over from nftables and back under traffic, and leaves nothing behind", async () => {
    const { one, two } = network.hosts;
    await stopProxy(await startProxy());
    const proxy = await startProxy("--proxy-mode", "iptables");
    await eventually("an end of the table", async () => !(await nft("list", "tables")).includes(" fairlead"));
    expect(await chains()).toMatch(/^:KUBE-SVC-[A-Z2-7]{16} /m);
    await serve("one");
    await eventually("answers of one alone", async () => !(await chains()).includes(`${pods.two}:${targetPort}`));
    for (let i = 0; i < 5; i++) expect(await ask()).toBe("one");
    expect(proxy.output).not.toMatch(/WARN|ERROR/);
    await stopProxy(proxy);
    const connection = await LastingConnection.open(
      two.path,
      { namespace: one.path, port: echoPort },
      { address: clusterIp, port: 9 },
    );
    try {
      const nftables = await startProxy("--proxy-mode", "nftables");
      await eventually("an end of the chains", async () => !(await chains()).includes("KUBE-"));
      await connection.goesOn();
      await stopProxy(nftables);
      expect(await ask()).toBe("one");
      await stopProxy(await startProxy("--proxy-mode", "iptables"));
      await connection.goesOn();
    } finally {
      await connection.stop();
      await serve("one", "two");
    }
    expect(await launch("--cleanup").ended).toMatchObject({ code: 0 });
    expect(await chains()).not.toContain("KUBE-");
  }, 90_000);
});

describe("what a kube-proxy has left", () => {
  const rules = `
table ip kube-proxy {
  chain nat-prerouting {
    type nat hook prerouting priority dstnat;
    ip daddr ${clusterIp} tcp dport 80 dnat to ${pods.one}:${targetPort}
    ip daddr ${clusterIp} tcp dport 9 dnat to ${pods.one}:${echoPort}
  }
}`;

  it("is said, and taken over with traffic flowing throughout", async () => {
    const { node, one, two } = network.hosts;
    await run(node.namespace, ["nft", "-f", "-"], { stdin: rules });
    const iptables = (...args: readonly string[]) => run(node.namespace, ["iptables-nft", ...args]);
    await iptables("-t", "nat", "-N", "KUBE-SERVICES");
    await iptables("-t", "nat", "-A", "PREROUTING", "-j", "KUBE-SERVICES");
    await iptables("-t", "filter", "-N", "KUBE-FIREWALL");
    const ipset = (...args: readonly string[]) => run(node.namespace, ["ipset", ...args]);
    for (const set of ["KUBE-CLUSTER-IP", "MINE"]) await ipset("create", set, "hash:ip,port");
    await iptables(
      "-t",
      "nat",
      "-A",
      "KUBE-SERVICES",
      "-m",
      "set",
      "--match-set",
      "KUBE-CLUSTER-IP",
      "dst,dst",
      "-j",
      "ACCEPT",
    );
    await run(node.namespace, ["ip", "link", "add", "kube-ipvs0", "type", "bridge"]);

    const connection = await LastingConnection.open(
      two.path,
      { namespace: one.path, port: echoPort },
      { address: clusterIp, port: 9 },
    );
    try {
      await connection.goesOn();
      const beside = await startProxy();
      await beside.says("--takeover removes them");
      expect(beside.output).toContain("nftables table ip kube-proxy");
      expect(beside.output).toContain("1 chains of iptables-nft");
      expect(beside.output).toContain("1 ipsets of its ipvs mode");
      await stopProxy(beside);

      let isDone = false;
      const asking = (async () => {
        let answers = 0;
        for (; !isDone; answers++) expect(["one", "two"]).toContain(await ask("two"));
        return answers;
      })();
      const proxy = await startProxy("--takeover");
      await proxy.says("removed what kube-proxy had left");
      await connection.goesOn();
      isDone = true;
      expect(await asking).toBeGreaterThan(5);
      expect(await nft("list", "tables")).not.toContain("kube-proxy");
      const saved = await run(node.namespace, ["iptables-nft-save"]);
      expect(saved).not.toContain("KUBE-SERVICES");
      // The kubelet's.
      expect(saved).toContain("KUBE-FIREWALL");
      expect((await ipset("list", "-n")).trim()).toBe("MINE");
      expect(await run(node.namespace, ["ip", "-br", "link"])).not.toContain("kube-ipvs0");
      await stopProxy(proxy);
    } finally {
      await connection.stop();
    }
    const events = await server.run(["get", "events", "-A", "-o", "custom-columns=R:.reason,T:.type"]);
    expect(events).toMatch(/KubeProxyRulesFound +Warning/);
    expect(events).toMatch(/KubeProxyRulesRemoved +Normal/);
  }, 90_000);
});

describe("what cannot be", () => {
  const file = (text: string): string => {
    const name = path.join(folder, "proxy.yaml");
    writeFileSync(name, `apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\n${text}`);
    return name;
  };

  it("is refused, with the field", async () => {
    for (const [text, code, words] of [
      ["iptables: {masqueradeBit: 32}", 1, "iptables.masqueradeBit: must be within the range [0, 31]"],
      ["nonsense: 1", 1, "nonsense: unknown field"],
      ["mode: ipvs", 1, "field mode: ipvs is not built yet"],
      [`clientConnection: {kubeconfig: ${folder}/none}`, 1, "KUBECONFIG"],
    ] as const) {
      const { code: ended, output } = await launch("--config", file(text)).ended;
      expect(output).toContain(words);
      expect(ended).toBe(code);
    }
    expect(await launch("--no-such-flag").ended).toMatchObject({ code: 2 });
    expect(await launch("--conntrack-min", "many").ended).toMatchObject({ code: 2 });
  }, 60_000);

  it("of conntrack's settings ends it, as upstream's: in a namespace the machine's limits are not to be set", async () => {
    const { code, output } = await launch("--kubeconfig", kubeconfig, "--hostname-override", "n1").ended;
    expect(output).toContain("net/netfilter/nf_conntrack_max");
    expect(code).toBe(1);
  }, 60_000);

  it("serves no health and no metrics where their addresses are empty", async () => {
    const sockets = async (...flags: readonly string[]): Promise<string> => {
      const proxy = await startProxy(...flags);
      const listening = await run(network.hosts.node.namespace, ["ss", "-tlnH"]);
      await stopProxy(proxy);
      return listening;
    };
    const both = await sockets();
    for (const port of [":10256", ":10249"]) expect(both).toContain(port);
    const none = await sockets("--healthz-bind-address=", "--metrics-bind-address", "");
    for (const port of [":10256", ":10249"]) expect(none).not.toContain(port);
  }, 60_000);

  it("says which flags a file takes the place of, and ends when the file changes", async () => {
    const config = file(`clientConnection: {kubeconfig: ${kubeconfig}}\nconntrack: {maxPerCore: 0}\n`);
    const proxy = launch("--config", config, "--masquerade-all", "--hostname-override", "N1");
    await proxy.says("programmed");
    expect(proxy.output).toContain("--masquerade-all is ignored, because --config is given");
    writeFileSync(config, "changed: true\n");
    const { code, output } = await proxy.ended;
    expect(output).toContain("content of the proxy server's configuration file was updated");
    expect(code).toBe(1);
  }, 60_000);

  it("writes its configuration where it is told, and takes that", async () => {
    const written = path.join(folder, "written.yaml");
    expect(await launch("--masquerade-all", "--write-config-to", written).ended).toMatchObject({ code: 0 });
    const twice = path.join(folder, "twice.yaml");
    expect(await launch("--config", written, "--write-config-to", twice).ended).toMatchObject({ code: 0 });
    const text = await run(network.hosts.node.namespace, ["cat", written]);
    expect(await run(network.hosts.node.namespace, ["cat", twice])).toBe(text);
    expect(text).toMatch(/nftables:\n {2}masqueradeBit: 14\n {2}masqueradeAll: true\n {2}syncPeriod: 30s\n/);
  }, 60_000);
});

/** `fairlead proxy` on a node of a cluster with RBAC: real packets, kubectl, and another proxy's rules. */
import { writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { RealNftables } from "../../src/kernel/real/nftables.ts";
import { addresses } from "../fixtures/addresses.ts";
import { eventually } from "../fixtures/eventually.ts";
import { run } from "../fixtures/namespace.ts";
import { clusterIp, echoPort, ProxiedCluster, targetPort } from "../fixtures/proxied_cluster.ts";

const { pods } = addresses.IPv4;

let cluster: ProxiedCluster;
beforeAll(async () => {
  cluster = await ProxiedCluster.start();
}, 90_000);
afterEach(() => cluster.clear());
afterAll(() => cluster?.stop());

describe("a proxy with the role system:node-proxier alone", () => {
  it("serves, follows changes, repairs what others break, and leaves all in place when it ends", async () => {
    const proxy = await cluster.startProxy();
    expect(["one", "two"]).toContain(await cluster.ask("one"));
    await cluster.serve("one");
    await eventually(
      "answers of one alone",
      async () => !(await cluster.nft("list", "map", "ip", "fairlead", "endpoints")).includes(pods.two),
    );
    for (let i = 0; i < 5; i++) expect(await cluster.ask()).toBe("one");

    await cluster.nft("flush", "ruleset");
    await eventually("the table", async () => (await cluster.nft("list", "tables")).includes("ip fairlead"));
    expect(await cluster.ask()).toBe("one");

    const events = await cluster.server.run(["get", "events", "-A", "-o", "json"]);
    const { items } = JSON.parse(events) as { items: { reason: string; involvedObject: object; source: object }[] };
    expect(items.find(({ reason }) => reason === "Starting")).toMatchObject({
      type: "Normal",
      involvedObject: { kind: "Node", name: "n1", uid: "n1" },
      source: { component: "kube-proxy", host: "n1" },
    });
    expect(proxy.output).not.toMatch(/WARN|ERROR/);
    await cluster.stopProxy(proxy);
    expect(await cluster.ask()).toBe("one");
    await cluster.serve("one", "two");
  }, 60_000);

  it("that is started again writes nothing, and no connection breaks", async () => {
    await cluster.stopProxy(await cluster.startProxy());
    const { node } = cluster.network.hosts;
    const port = await RealNftables.open(node.namespace);
    await cluster.serve("one");
    await cluster.stopProxy(await cluster.startProxy());
    const connection = await cluster.connection();
    try {
      await connection.goesOn();
      const before = await port.generation();
      const again = await cluster.startProxy();
      await connection.goesOn();
      expect(await port.generation()).toBe(before);
      await cluster.stopProxy(again);
      await connection.goesOn();
    } finally {
      await connection.stop();
      port.close();
      await cluster.serve("one", "two");
    }
  }, 90_000);

  it("leaves nothing behind with --cleanup", async () => {
    await cluster.stopProxy(await cluster.startProxy());
    await cluster.nft("add table ip theirs");
    expect(await cluster.launch("--cleanup").ended).toMatchObject({ code: 0 });
    expect((await cluster.nft("list", "ruleset")).trim()).toBe("table ip theirs {\n}");
    expect(await cluster.launch("--cleanup").ended).toMatchObject({ code: 0 });
  }, 60_000);
});

describe("the iptables mode", () => {
  it("serves, follows changes, is taken over from nftables and back under traffic, and leaves nothing behind", async () => {
    await cluster.stopProxy(await cluster.startProxy());
    const proxy = await cluster.startProxy("--proxy-mode", "iptables");
    await eventually("an end of the table", async () => !(await cluster.nft("list", "tables")).includes(" fairlead"));
    expect(await cluster.chains()).toMatch(/^:KUBE-SVC-[A-Z2-7]{16} /m);
    await cluster.serve("one");
    await eventually(
      "answers of one alone",
      async () => !(await cluster.chains()).includes(`${pods.two}:${targetPort}`),
    );
    for (let i = 0; i < 5; i++) expect(await cluster.ask()).toBe("one");
    expect(proxy.output).not.toMatch(/WARN|ERROR/);
    await cluster.stopProxy(proxy);
    const connection = await cluster.connection();
    try {
      const nftables = await cluster.startProxy("--proxy-mode", "nftables");
      await eventually("an end of the chains", async () => !(await cluster.chains()).includes("KUBE-"));
      await connection.goesOn();
      await cluster.stopProxy(nftables);
      expect(await cluster.ask()).toBe("one");
      await cluster.stopProxy(await cluster.startProxy("--proxy-mode", "iptables"));
      await connection.goesOn();
    } finally {
      await connection.stop();
      await cluster.serve("one", "two");
    }
    expect(await cluster.launch("--cleanup").ended).toMatchObject({ code: 0 });
    expect(await cluster.chains()).not.toContain("KUBE-");
  }, 90_000);
});

describe("the userspace mode", () => {
  it("serves, follows changes, hands over and takes over, and leaves nothing behind", async () => {
    const proxy = await cluster.startProxy("--proxy-mode", "userspace");
    const seen = new Set<string>();
    await eventually("answers of both", async () => seen.add(await cluster.ask()).size === 2);
    await cluster.serve("one");
    await eventually("answers of one alone", async () => {
      for (let i = 0; i < 5; i++) if ((await cluster.ask()) !== "one") return false;
      return true;
    });
    // The table leads to the program, and nowhere else.
    expect(await cluster.nft("list", "table", "ip", "fairlead")).not.toContain(`${pods.one} .`);
    expect(proxy.output).not.toMatch(/WARN|ERROR/);
    await cluster.stopProxy(proxy);
    const nftables = await cluster.startProxy("--proxy-mode", "nftables");
    expect(await cluster.ask()).toBe("one");
    await cluster.stopProxy(nftables);
    await cluster.stopProxy(await cluster.startProxy("--proxy-mode", "userspace"));
    await cluster.serve("one", "two");
    expect(await cluster.launch("--cleanup").ended).toMatchObject({ code: 0 });
    expect(await cluster.nft("list", "tables")).not.toContain(" fairlead");
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
    const { node } = cluster.network.hosts;
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

    const connection = await cluster.connection();
    try {
      await connection.goesOn();
      const beside = await cluster.startProxy();
      await beside.says("--takeover removes them");
      expect(beside.output).toContain("nftables table ip kube-proxy");
      expect(beside.output).toContain("1 chains of iptables-nft");
      expect(beside.output).toContain("1 ipsets of the ipvs mode");
      await cluster.stopProxy(beside);

      let isDone = false;
      const asking = (async () => {
        let answers = 0;
        for (; !isDone; answers++) expect(["one", "two"]).toContain(await cluster.ask("two"));
        return answers;
      })();
      const proxy = await cluster.startProxy("--takeover");
      await proxy.says("removed what kube-proxy had left");
      await connection.goesOn();
      isDone = true;
      expect(await asking).toBeGreaterThan(5);
      expect(await cluster.nft("list", "tables")).not.toContain("kube-proxy");
      const saved = await run(node.namespace, ["iptables-nft-save"]);
      expect(saved).not.toContain("KUBE-SERVICES");
      // The kubelet's.
      expect(saved).toContain("KUBE-FIREWALL");
      expect((await ipset("list", "-n")).trim()).toBe("MINE");
      expect(await run(node.namespace, ["ip", "-br", "link"])).not.toContain("kube-ipvs0");
      await cluster.stopProxy(proxy);
    } finally {
      await connection.stop();
    }
    const events = await cluster.server.run(["get", "events", "-A", "-o", "custom-columns=R:.reason,T:.type"]);
    expect(events).toMatch(/KubeProxyRulesFound +Warning/);
    expect(events).toMatch(/KubeProxyRulesRemoved +Normal/);
  }, 90_000);
});

describe("what cannot be", () => {
  const file = (text: string): string => {
    const name = path.join(cluster.folder, "proxy.yaml");
    writeFileSync(name, `apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\n${text}`);
    return name;
  };

  it("is refused, with the field", async () => {
    for (const [text, code, words] of [
      ["iptables: {masqueradeBit: 32}", 1, "iptables.masqueradeBit: must be within the range [0, 31]"],
      ["nonsense: 1", 1, "nonsense: unknown field"],
      ["mode: ebpf", 1, "field mode: ebpf is not built yet"],
      [`clientConnection: {kubeconfig: ${cluster.folder}/none}`, 1, "KUBECONFIG"],
    ] as const) {
      const { code: ended, output } = await cluster.launch("--config", file(text)).ended;
      expect(output).toContain(words);
      // In words, and no stack.
      expect(output).not.toMatch(/^ +at /m);
      expect(ended).toBe(code);
    }
    expect(await cluster.launch("--no-such-flag").ended).toMatchObject({ code: 2 });
    expect(await cluster.launch("--conntrack-min", "many").ended).toMatchObject({ code: 2 });
  }, 60_000);

  it("of conntrack's settings ends it, as upstream's: in a namespace the machine's limits are not to be set", async () => {
    const { code, output } = await cluster.launch("--kubeconfig", cluster.kubeconfig, "--hostname-override", "n1")
      .ended;
    expect(output).toContain("net/netfilter/nf_conntrack_max");
    expect(code).toBe(1);
  }, 60_000);

  it("serves no health and no metrics where their addresses are empty", async () => {
    const sockets = async (...flags: readonly string[]): Promise<string> => {
      const proxy = await cluster.startProxy(...flags);
      const listening = await run(cluster.network.hosts.node.namespace, ["ss", "-tlnH"]);
      await cluster.stopProxy(proxy);
      return listening;
    };
    const both = await sockets();
    for (const port of [":10256", ":10249"]) expect(both).toContain(port);
    const none = await sockets("--healthz-bind-address=", "--metrics-bind-address", "");
    for (const port of [":10256", ":10249"]) expect(none).not.toContain(port);
  }, 60_000);

  it("says which flags a file takes the place of, and ends when the file changes", async () => {
    const config = file(`clientConnection: {kubeconfig: ${cluster.kubeconfig}}\nconntrack: {maxPerCore: 0}\n`);
    const proxy = cluster.launch("--config", config, "--masquerade-all", "--hostname-override", "N1");
    await proxy.says("programmed");
    expect(proxy.output).toContain("--masquerade-all is ignored, because --config is given");
    writeFileSync(config, "changed: true\n");
    const { code, output } = await proxy.ended;
    expect(output).toContain("content of the proxy server's configuration file was updated");
    expect(code).toBe(1);
  }, 60_000);

  it("writes its configuration where it is told, and takes that", async () => {
    const written = path.join(cluster.folder, "written.yaml");
    expect(await cluster.launch("--masquerade-all", "--write-config-to", written).ended).toMatchObject({ code: 0 });
    const twice = path.join(cluster.folder, "twice.yaml");
    expect(await cluster.launch("--config", written, "--write-config-to", twice).ended).toMatchObject({ code: 0 });
    const text = await run(cluster.network.hosts.node.namespace, ["cat", written]);
    expect(await run(cluster.network.hosts.node.namespace, ["cat", twice])).toBe(text);
    expect(text).toMatch(/nftables:\n {2}masqueradeBit: 14\n {2}masqueradeAll: true\n {2}syncPeriod: 30s\n/);
  }, 60_000);
});

/** Verb by verb and version by version, through the real binary. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { CniError } from "../../../cni/error.ts";
import { cniVersions, type CniVersion } from "../../../cni/plugin.ts";
import { FairleadError } from "../../../src/errors/catalogue.ts";
import { namespaces } from "../../../src/kernel/real/namespaces.ts";
import type { NetworkNamespace } from "../../../src/kernel/ports.ts";
import { runPlugin, startAgent, type TestAgent } from "../../fixtures/cni_plugin.ts";
import { FakePodNetwork } from "../../fixtures/fake_pod_network.ts";
import { uniqueName } from "../../fixtures/namespace.ts";

let network: FakePodNetwork;
let agent: TestAgent;
let container: NetworkNamespace;
const name = uniqueName();
const netns = `/run/netns/${name}`;

beforeAll(async () => {
  container = await namespaces.create(name);
});
afterAll(async () => {
  await namespaces.delete(name);
  container.close();
});
beforeEach(async () => {
  network = new FakePodNetwork();
  agent = await startAgent(network);
  return () => agent.stop();
});

interface CallOptions {
  readonly version?: string;
  readonly config?: object;
  readonly env?: Record<string, string>;
}

async function call(verb: string, { version = "1.1.0", config = {}, env = {} }: CallOptions = {}) {
  const variables = {
    CNI_COMMAND: verb,
    CNI_CONTAINERID: "c1",
    CNI_NETNS: netns,
    CNI_IFNAME: "eth0",
    CNI_PATH: "/a:/b",
  };
  const conf = { cniVersion: version, name: "pods", type: "fairlead-cni", socket: agent.socketPath, ...config };
  const outcome = await runPlugin({ env: { ...variables, ...env }, stdin: JSON.stringify(conf) });
  return {
    ...outcome,
    json: outcome.stdout === "" ? undefined : (JSON.parse(outcome.stdout) as Record<string, unknown>),
  };
}

/** What another plugin made before, in the form of its version. */
function resultOf(version: CniVersion) {
  const old = version === "0.3.1" || version === "0.4.0";
  const family = old ? { version: "4" } : {};
  const newest = version === "1.1.0";
  return {
    cniVersion: version,
    interfaces: [
      { name: "br0", mac: "02:00:00:00:00:01" },
      { name: "net1", sandbox: netns, ...(newest ? { mtu: 1400, pciID: "0000:00:1f.6" } : {}) },
    ],
    ips: [{ ...family, address: "192.0.2.5/24", gateway: "192.0.2.1", interface: 1 }],
    routes: [{ dst: "192.0.2.0/24", ...(newest ? { priority: 10, table: 254 } : {}) }],
    dns: { nameservers: ["192.0.2.53"], search: ["example.org"] },
  };
}

describe.each(cniVersions)("version %s", (version) => {
  const told = version === "0.3.1" || version === "0.4.0" ? { version: "4" } : {};
  const newest = version === "1.1.0";
  const ours = {
    interface: { name: "eth0", mac: "02:00:00:00:00:05", sandbox: netns, ...(newest ? { mtu: 1450 } : {}) },
    ip: { ...told, address: "10.1.0.2/24", gateway: "10.1.0.1" },
    route: { dst: "0.0.0.0/0", gw: "10.1.0.1", ...(newest ? { mtu: 1450 } : {}) },
  };

  test("ADD answers with a result of the version", async () => {
    const { exitCode, json } = await call("ADD", { version });
    expect(exitCode).toBe(0);
    expect(json).toEqual({
      cniVersion: version,
      interfaces: [ours.interface],
      ips: [{ ...ours.ip, interface: 0 }],
      routes: [ours.route],
    });
  });

  test("ADD passes on what plugins before made", async () => {
    const before = resultOf(version);
    const { json } = await call("ADD", { version, config: { prevResult: before } });
    expect(json).toEqual({
      cniVersion: version,
      interfaces: [...before.interfaces, ours.interface],
      ips: [...before.ips, { ...ours.ip, interface: 2 }],
      routes: [...before.routes, ours.route],
      dns: before.dns,
    });
  });

  test("what ADD answered is what CHECK and DEL take", async () => {
    const { json: prevResult } = await call("ADD", { version });
    if (version !== "0.3.1") {
      expect(await call("CHECK", { version, config: { prevResult } })).toMatchObject({ exitCode: 0, stdout: "" });
    }
    expect(await call("DEL", { version, config: { prevResult } })).toMatchObject({ exitCode: 0, stdout: "" });
    expect(network.attachments.size).toBe(0);
  });

  test("VERSION echoes it beside all that are served", async () => {
    const stdin = JSON.stringify({ cniVersion: version });
    const { exitCode, stdout } = await runPlugin({ env: { CNI_COMMAND: "VERSION" }, stdin });
    expect([exitCode, JSON.parse(stdout)]).toEqual([0, { cniVersion: version, supportedVersions: cniVersions }]);
  });

  test("errors have it", async () => {
    const { exitCode, json } = await call("ADD", { version, config: { mtu: 1 } });
    expect([exitCode, json?.["cniVersion"], json?.["code"]]).toEqual([1, version, 7]);
  });
});

describe("ADD", () => {
  test("hands over what the runtime gave", async () => {
    await call("ADD", {
      env: { CNI_ARGS: "IgnoreUnknown=1;K8S_POD_NAME=web-0;K8S_POD_NAMESPACE=shop;X=a=b" },
      config: {
        mode: "bridge",
        bridge: "br7",
        mtu: 1400,
        ipMasq: true,
        nonMasqueradeCIDRs: ["10.0.0.0/8", "fd00::/8"],
        ipam: {
          subnet: "10.1.0.0/16",
          ranges: [[{ subnet: "fd00:10::/64", rangeStart: "fd00:10::10" }]],
          routes: [{ dst: "::/0" }],
        },
        dns: { nameservers: ["10.96.0.10"] },
        capabilities: { portMappings: true },
        runtimeConfig: {
          portMappings: [
            { hostPort: 8080, containerPort: 80, protocol: "TCP", hostIP: "" },
            { hostPort: 53, containerPort: 53, protocol: "udp", hostIP: "::1" },
          ],
          bandwidth: { ingressRate: 8_000_000, ingressBurst: 80_000 },
          ips: ["10.1.2.3/24", "fd00:10::0:5"],
          mac: "02:0A:00:00:00:01",
          aliases: ["db"],
        },
        args: { cni: { ips: ["10.9.9.9"], labels: [{ key: "app", value: "x" }] }, other: { deep: [1] } },
        "cni.dev/something": 1,
      },
    });
    const { config, ...request } = network.last.add!;
    expect(request).toMatchObject({
      containerId: "c1",
      ifName: "eth0",
      netns,
      path: ["/a", "/b"],
      prevResult: undefined,
    });
    expect(Object.fromEntries(request.args)).toEqual({
      IgnoreUnknown: "1",
      K8S_POD_NAME: "web-0",
      K8S_POD_NAMESPACE: "shop",
      X: "a=b",
    });
    expect(config).toMatchObject({
      cniVersion: "1.1.0",
      mode: "bridge",
      bridge: "br7",
      mtu: 1400,
      ipMasq: true,
      nonMasqueradeCidrs: [
        { address: "10.0.0.0", prefixLength: 8 },
        { address: "fd00::", prefixLength: 8 },
      ],
      ipam: {
        ranges: [
          [{ subnet: { address: "10.1.0.0", prefixLength: 16 } }],
          [{ subnet: { address: "fd00:10::", prefixLength: 64 }, rangeStart: "fd00:10::10" }],
        ],
        routes: [{ dst: { address: "::", prefixLength: 0 } }],
      },
      runtimeConfig: {
        portMappings: [
          { hostPort: 8080, containerPort: 80, protocol: "tcp", hostIp: undefined },
          { hostPort: 53, containerPort: 53, protocol: "udp", hostIp: "::1" },
        ],
        bandwidth: { ingressRate: 8_000_000, ingressBurst: 80_000, egressRate: 0, egressBurst: 0 },
        ips: [
          { address: "10.1.2.3", prefixLength: 24 },
          { address: "fd00:10::5", prefixLength: undefined },
        ],
        mac: "02:0a:00:00:00:01",
        aliases: ["db"],
      },
      args: { ips: [{ address: "10.9.9.9", prefixLength: undefined }] },
    });
  });

  test("the defaults of what is not given, and null for it", async () => {
    await call("ADD", {
      config: { mtu: null, ipam: null, runtimeConfig: null, dns: {}, args: null, prevResult: null },
    });
    expect(network.last.add?.config).toMatchObject({
      mode: "routed",
      bridge: "cni0",
      mtu: undefined,
      ipMasq: false,
      ipam: undefined,
      dns: {},
      runtimeConfig: { portMappings: [], bandwidth: undefined, ips: [], mac: undefined, aliases: [] },
    });
  });

  test("twice is an error, with another interface it is not", async () => {
    expect((await call("ADD")).exitCode).toBe(0);
    expect((await call("ADD")).json).toMatchObject({ code: 102 });
    expect((await call("ADD", { env: { CNI_IFNAME: "eth1" } })).exitCode).toBe(0);
    expect([...network.attachments.keys()]).toEqual(["pods c1 eth0", "pods c1 eth1"]);
  });

  test.each([
    [
      "one of the network's",
      new CniError("addressesExhausted", "no address is free", { details: "10.1.0.0/24" }),
      101,
      "no address is free",
    ],
    ["one that passes", new FairleadError("NETLINK_TIMEOUT", { subject: "add a link" }), 11, "in time"],
    [
      "one that stays",
      new FairleadError("NETLINK_REFUSED", { subject: "add a link", errno: 1, reason: "EPERM" }),
      100,
      "EPERM",
    ],
    ["one that nobody foresaw", new TypeError("undefined is no function"), 100, "no function"],
  ])("an error is told: %s", async (_what, error, code, words) => {
    network.failAdd = error;
    const { exitCode, json } = await call("ADD");
    expect([exitCode, json]).toEqual([
      1,
      expect.objectContaining({ cniVersion: "1.1.0", code, msg: expect.stringContaining(words) }),
    ]);
  });
});

describe("DEL", () => {
  test("succeeds again and again, without a namespace, and where nothing was", async () => {
    await call("ADD");
    for (const env of [{}, {}, { CNI_NETNS: "" }, { CNI_CONTAINERID: "nobody", CNI_NETNS: "" }]) {
      expect(await call("DEL", { env })).toMatchObject({ exitCode: 0, stdout: "" });
    }
    expect(network.attachments.size).toBe(0);
  });

  test("takes a result, an empty one and none", async () => {
    await call("DEL", { config: { prevResult: resultOf("1.1.0") } });
    expect(network.last.delete?.prevResult?.ips).toEqual([
      { address: "192.0.2.5", prefixLength: 24, gateway: "192.0.2.1", interface: 1 },
    ]);
    expect((await call("DEL", { config: { prevResult: {} } })).exitCode).toBe(0);
    expect(network.last.delete?.prevResult).toEqual({ interfaces: [], ips: [], routes: [], dns: {} });
    await call("DEL");
    expect(network.last.delete?.prevResult).toBeUndefined();
  });
});

describe("CHECK", () => {
  test("finds a container that was never added, and one that is not as it was", async () => {
    const prevResult = resultOf("1.1.0");
    expect((await call("CHECK", { config: { prevResult } })).json).toMatchObject({ code: 3 });
    await call("ADD");
    expect((await call("CHECK", { config: { prevResult } })).json).toMatchObject({ code: 103 });
  });
});

describe("GC", () => {
  const collect = (attachments: unknown) => call("GC", { config: { "cni.dev/valid-attachments": attachments } });

  test("keeps what is in the list, of this network, and nothing else", async () => {
    for (const id of ["c1", "c2", "c3"]) await call("ADD", { env: { CNI_CONTAINERID: id } });
    await call("ADD", { config: { name: "other" } });
    expect(
      await collect([
        { containerID: "c2", ifname: "eth0" },
        { containerID: "c3", ifname: "eth1" },
      ]),
    ).toMatchObject({ exitCode: 0, stdout: "" });
    expect([...network.attachments.keys()]).toEqual(["pods c2 eth0", "other c1 eth0"]);
  });

  test.each([
    ["an empty list", []],
    ["Go's empty list", null],
  ])("%s leaves nothing", async (_what, list) => {
    await call("ADD");
    expect((await collect(list)).exitCode).toBe(0);
    expect(network.attachments.size).toBe(0);
  });
});

describe("STATUS", () => {
  test("is silent when ADD can be served, and says 50 or 51 when not", async () => {
    expect(await call("STATUS")).toMatchObject({ exitCode: 0, stdout: "" });
    for (const [kind, code] of [
      ["notAvailable", 50],
      ["limitedConnectivity", 51],
    ] as const) {
      network.statusError = new CniError(kind, "the node has no podCIDR yet");
      expect((await call("STATUS")).json).toMatchObject({ code, msg: "the node has no podCIDR yet" });
    }
    // Whatever it says, the others work.
    expect((await call("ADD")).exitCode).toBe(0);
  });
});

describe("VERSION", () => {
  test.each([
    ["nothing", ""],
    ["no JSON", "{"],
    ["a version of another type", '{"cniVersion":5}'],
  ])("%s on stdin: the newest", async (_what, stdin) => {
    const { exitCode, stdout } = await runPlugin({ env: { CNI_COMMAND: "VERSION" }, stdin });
    expect([exitCode, JSON.parse(stdout)]).toEqual([0, { cniVersion: "1.1.0", supportedVersions: cniVersions }]);
  });
});

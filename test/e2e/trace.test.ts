/** `fairlead trace` tells, of a namespace of the test's, where connections go and why. */
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { native, type NativeNamespace } from "../../src/kernel/native.ts";
import { openIptables } from "../../src/kernel/real/iptables.ts";
import { RealNftables } from "../../src/kernel/real/nftables.ts";
import type { Outcome } from "../../src/observe/trace/nftables.ts";
import { IptablesChains } from "../../src/proxy/apply/iptables.ts";
import { NftablesTable } from "../../src/proxy/apply/nftables.ts";
import { Ruleset } from "../../src/proxy/modes/iptables/ruleset.ts";
import { environment, launcher, startServerProcess } from "../fixtures/fairlead_server.ts";
import { iptablesOptions } from "../fixtures/iptables_options.ts";
import { run, uniqueName } from "../fixtures/namespace.ts";
import { endpoints, rulesetOf, servicePort, wanted } from "../fixtures/proxied.ts";

const name = uniqueName();
let namespace: NativeNamespace;

beforeAll(async () => {
  namespace = await native().createNamedNamespace(`/run/netns/${name}`);
  const links = ["link add eth0 type veth peer name far", "link set eth0 up", "addr add 192.0.2.1/24 dev eth0"];
  await run(namespace, ["ip", "-batch", "-"], { stdin: `${links.join("\n")}\n` });
  const port = await RealNftables.open(namespace);
  try {
    const ruleset = rulesetOf();
    ruleset.set("a", wanted(servicePort(1, { nodePort: 30_001 }), endpoints(2)));
    ruleset.set("web", wanted(servicePort(3), endpoints(1)));
    ruleset.set("b", wanted(servicePort(2, { protocol: "UDP" }), []));
    await new NftablesTable(port, ruleset).repair();
  } finally {
    port.close();
  }
});
afterAll(async () => {
  namespace?.close();
  await native().deleteNamedNamespace(`/run/netns/${name}`);
});

const webObjects = {
  apiVersion: "v1",
  kind: "List",
  items: [
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "web", namespace: "default" },
      spec: { clusterIP: "10.96.0.3", ports: [{ name: "http", port: 80, targetPort: 8080 }] },
    },
    {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: { name: "web-1", namespace: "default", labels: { "kubernetes.io/service-name": "web" } },
      addressType: "IPv4",
      ports: [{ name: "http", port: 8080, protocol: "TCP" }],
      endpoints: [{ addresses: ["10.245.0.0"], targetRef: { kind: "Pod", namespace: "default", name: "web-1" } }],
    },
  ],
};

async function trace(...args: readonly string[]): Promise<{ readonly out: string; readonly code: number }> {
  const options = { env: environment, timeout: 60_000 };
  try {
    const { stdout } = await promisify(execFile)(launcher, ["trace", "--netns", name, ...args], options);
    return { out: stdout, code: 0 };
  } catch (error) {
    const { stderr, code } = error as { stderr: string; code: number };
    return { out: stderr, code };
  }
}

describe("fairlead trace", () => {
  it("names Services and pods as the API that it is shown does", async () => {
    const folder = mkdtempSync(path.join(tmpdir(), "trace-"));
    const server = await startServerProcess(path.join(folder, "data"));
    try {
      const file = path.join(folder, "objects.json");
      writeFileSync(file, JSON.stringify(webObjects));
      await server.run(["create", "-f", file]);
      const packet = ["--from", "192.0.2.100", "--to", "10.96.0.3", "--port", "80"];
      const { out } = await trace(...packet, "--kubeconfig", server.kubeconfig);
      expect(out.split("\n")[1]).toBe("Service default/web:http");
      expect(out).toContain("goes to 10.245.0.0 port 8080 (pod default/web-1), with this node's source address");
      const stranger = await trace(
        "--from",
        "192.0.2.100",
        "--to",
        "10.96.0.9",
        "--port",
        "80",
        "--kubeconfig",
        "/none",
      );
      expect(stranger.code).toBe(1);
    } finally {
      server.signal("SIGTERM");
      await server.exited;
      rmSync(folder, { recursive: true, force: true });
    }
  }, 60_000);

  it("explains a connection from outside, step by step", async () => {
    const { out } = await trace("--from", "192.0.2.100", "--to", "10.96.0.1", "--port", "80");
    const lines = out.split("\n");
    expect(lines[0]).toBe("tcp from 192.0.2.100 to 10.96.0.1 port 80, in by eth0");
    expect(lines).toContain("  frontends has 10.96.0.1 tcp 80: goto cluster-2-masquerade-off-cluster");
    expect(lines.filter((line) => line.startsWith("in 50 % of connections"))).toHaveLength(2);
    expect(lines).toContain("  => goes to 10.245.0.0 port 8080, with this node's source address");
  });

  it("knows this node's own packets, node ports, and what is refused", async () => {
    const own = await trace("--from", "192.0.2.1", "--to", "192.0.2.1", "--port", "30001");
    expect(own.out).toContain("from this node itself");
    expect(own.out).toContain("nodeports has tcp 30001: goto cluster-nodeport-2-masquerade");
    const refused = await trace(
      "--from",
      "10.244.1.5",
      "--to",
      "10.96.0.2",
      "--port",
      "80",
      "--protocol",
      "udp",
      "--in",
      "pod1",
    );
    expect(refused.out).toContain("in by pod1");
    expect(refused.out).toContain("=> rejected");
  });

  it("prints outcomes as JSON", async () => {
    const { out } = await trace("--from", "192.0.2.100", "--to", "10.96.0.1", "--port", "80", "--json");
    const { outcomes } = JSON.parse(out) as { outcomes: Outcome[] };
    expect(outcomes.map(({ probability, destination }) => [probability, destination.address])).toEqual([
      [0.5, "10.245.0.0"],
      [0.5, "10.245.0.1"],
    ]);
  });

  it.each(["nft", "legacy"] as const)(
    "explains what the iptables mode has programmed, iptables-%s",
    async (variant) => {
      const other = `${name}-${variant}`;
      const chained = await native().createNamedNamespace(`/run/netns/${other}`);
      try {
        const links = ["link set lo up", "link add eth0 type veth peer name far", "addr add 192.0.2.1/24 dev eth0"];
        await run(chained, ["ip", "-batch", "-"], { stdin: `${links.join("\n")}\nlink set eth0 up\n` });
        const ruleset = new Ruleset(iptablesOptions("IPv4"));
        ruleset.set("default/a/TCP", wanted(servicePort(1), endpoints(2)));
        await new IptablesChains(openIptables("iptables", variant, chained), ruleset).repair();
        const { out } = await trace("--netns", other, "--from", "192.0.2.1", "--to", "10.96.0.1", "--port", "80");
        const lines = out.split("\n");
        expect(lines.filter((line) => line.startsWith("in 50 % of connections"))).toHaveLength(2);
        expect(out).toMatch(/KUBE-SVC-[A-Z0-9]{16}/);
        expect(lines).toContain("    destination becomes 10.245.0.0 port 8080");
      } finally {
        chained.close();
        await native().deleteNamedNamespace(`/run/netns/${other}`);
      }
    },
  );

  it("says what is wrong with the command line, and that there is no table", async () => {
    const mixed = await trace("--from", "192.0.2.100", "--to", "fd00::1", "--port", "80");
    expect(mixed).toMatchObject({ code: 2, out: expect.stringContaining("one address family") as string });
    const none = await trace("--from", "fd00::2", "--to", "fd00::1", "--port", "80");
    expect(none.code).toBe(1);
    expect(none.out).toContain("'fairlead proxy' makes them");
  });
});

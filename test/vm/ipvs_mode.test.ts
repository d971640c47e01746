/** The ipvs mode as a process opens it: the kernel's parameters, what other programs see of it, and what it leaves. */
import { execFileSync } from "node:child_process";
import { createServer, connect } from "node:net";
import { expect, it } from "vitest";
import { openIpvsMode } from "../../src/cmd/ipvs_mode.ts";
import { Closes } from "../../src/cmd/part.ts";
import { kubeProxyConfiguration } from "../../src/config/kube_proxy.ts";
import { openIpset } from "../../src/kernel/real/ipset.ts";
import { openIptables } from "../../src/kernel/real/iptables.ts";
import { openIpvs } from "../../src/kernel/real/ipvs.ts";
import { openRouting } from "../../src/kernel/real/routing.ts";
import { removeOwnChains, removeOwnIpvs } from "../../src/proxy/agent/clean_up.ts";
import { ipvsOptions } from "../fixtures/ipvs_options.ts";
import { endpoint, servicePort, wanted } from "../fixtures/proxied.ts";

function sh(script: string): string {
  return execFileSync("sh", ["-ec", script], { encoding: "utf8", timeout: 60_000 });
}

const trace = "FAIRLEAD_SKIP_SETUP=1 ./fairlead trace";

/** What a connection to a cluster IP's port ends with. */
async function ends(port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host: "10.96.0.1", port, timeout: 20_000 });
    socket.once("connect", () => (socket.destroy(), resolve("connected")));
    socket.once("error", (error: NodeJS.ErrnoException) => resolve(error.code));
  });
}

it(
  "is programmed, is seen, guards the machine's own ports, and goes without a trace",
  { timeout: 120_000 },
  async () => {
    const closes = new Closes();
    sh("ip link set lo up");
    const iptables = { IPv4: openIptables("iptables", "nft"), IPv6: openIptables("ip6tables", "nft") };
    const config = kubeProxyConfiguration.parse({
      apiVersion: "kubeproxy.config.k8s.io/v1alpha1",
      kind: "KubeProxyConfiguration",
      mode: "ipvs",
      ipvs: { scheduler: "mh", strictARP: true, tcpTimeout: "77s", tcpFinTimeout: "33s", udpTimeout: "11s" },
    });
    const routing = closes.own(await openRouting());
    const log = { info: () => undefined, warn: () => undefined, error: () => undefined } as never;
    const mode = await openIpvsMode({ config, iptables, randomFully: true, report: undefined, routing, closes, log });
    const { ruleset, kernel } = mode.rules(ipvsOptions("IPv4"));
    ruleset.set("default/service-1/TCP", wanted(servicePort(1), [endpoint("10.244.1.11")]));
    await kernel.repair();
    const server = createServer().listen(9999, "0.0.0.0");
    try {
      const parameters = "net.ipv4.vs.conntrack net.ipv4.vs.expire_nodest_conn net.ipv4.vs.expire_quiescent_template";
      const arp = "net.ipv4.ip_forward net.ipv4.conf.all.arp_ignore net.ipv4.conf.all.arp_announce";
      expect(sh(`sysctl -n ${parameters} ${arp}`).split("\n").slice(0, 6)).toEqual(["1", "1", "1", "1", "1", "2"]);
      expect(sh("ipvsadm -L --timeout")).toContain("77 33 11");
      expect(sh("ipvsadm -Sn")).toMatch(
        /-A -t 10\.96\.0\.1:80 -s mh -b mh-port\n-a -t 10\.96\.0\.1:80 -r 10\.244\.1\.11:8080 -m -w 1/,
      );
      const nothing = { connections: 0n, packetsIn: 0n, packetsOut: 0n, bytesIn: 0n, bytesOut: 0n };
      const own = { service: "default/service-1", protocol: "TCP", address: "10.96.0.1", port: 80, counters: nothing };
      const destination = { address: "10.244.1.11", port: 8080, weight: 1, counters: nothing };
      expect(await mode.serverCounts!()).toMatchObject([{ ...own, destinations: [destination] }]);
      expect(sh("ip -o link show kube-ipvs0")).toMatch(/NOARP.* state DOWN/);
      // kubernetes/kubernetes#72236
      expect(await ends(9999)).toBe("ECONNREFUSED");
      const traced = sh(`${trace} --from 127.0.0.1 --to 10.96.0.1 --port 80`);
      expect(traced).toContain("=> goes to 10.244.1.11 port 8080");
      expect(sh(`${trace} --from 127.0.0.1 --to 10.96.0.1 --port 9999`)).toContain("=> rejected");
      ruleset.set("default/service-1/TCP", undefined);
      await kernel.sync();
      expect(sh("ip -o -4 addr show kube-ipvs0; ipvsadm -Sn")).toBe("");
    } finally {
      server.close();
      await removeOwnChains(Object.values(iptables));
      const [ipset, ipvs] = [closes.own(await openIpset()), closes.own((await openIpvs())!)];
      await removeOwnIpvs({ ipset, ipvs, routing });
      await closes.all();
    }
    expect(sh("ipset list -n; ipvsadm -Sn; ip -o link show kube-ipvs0 2>&1 || true")).toBe(
      'Device "kube-ipvs0" does not exist.\n',
    );
  },
);

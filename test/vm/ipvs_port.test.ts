/** The IPVS port on a kernel that has IPVS: its contract, and what ipvsadm reads and writes of the same state. */
import { execFileSync } from "node:child_process";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { IpAddress } from "../../src/model/address.ts";
import { native, type NativeNamespace } from "../../src/kernel/native.ts";
import {
  serviceName,
  type IpvsDestination,
  type IpvsServiceKey,
  type IpvsServiceOptions,
  type ListedIpvsDestination,
} from "../../src/kernel/netlink/ipvs/service.ts";
import type { IpvsStep } from "../../src/kernel/netlink/ipvs/step.ts";
import type { IpvsPort } from "../../src/kernel/ports.ts";
import { openIpset } from "../../src/kernel/real/ipset.ts";
import { openIpvs } from "../../src/kernel/real/ipvs.ts";
import { openRouting } from "../../src/kernel/real/routing.ts";
import { removeIpvsMode } from "../../src/proxy/takeover/ipvs_mode.ts";
import { describeIpvs } from "../contract/ipvs.ts";
import { eventually } from "../fixtures/eventually.ts";
import { run } from "../fixtures/namespace.ts";

describeIpvs("real", async () => {
  const namespace = await native().createNamespace();
  // Where no address ever was, no address is one that a server can have (inet_addr_type without a local table).
  await run(namespace, ["ip", "link", "set", "lo", "up"]);
  const port = await openIpvs({ namespace });
  if (!port) throw new Error("this kernel has no IPVS");
  return {
    port,
    close() {
      port.close();
      namespace.close();
      return Promise.resolve();
    },
  };
});

const path = "/run/netns/fairlead-ipvs";
const key = (address: string, port: number, protocol: "tcp" | "udp" = "tcp"): IpvsServiceKey => ({
  address: address as IpAddress,
  port,
  protocol,
});

/** In the namespace. One shell a test: to start a process from node costs most of a test's time under emulation. */
function sh(script: string): string {
  return execFileSync("nsenter", [`--net=${path}`, "sh", "-ec", script], { encoding: "utf8", timeout: 100_000 });
}

const add = (service: IpvsServiceKey, options: IpvsServiceOptions): IpvsStep => ({
  verb: "addService",
  service: { key: service, ...options },
});
const addTo = (
  service: IpvsServiceKey,
  address: string,
  port: number,
  weight: number,
  more: Partial<IpvsDestination> = {},
): IpvsStep => ({
  verb: "addDestination",
  service,
  destination: { address: address as IpAddress, port, forwarding: "masq", weight, ...more },
});

const tcp = key("10.96.0.1", 443);
const tcp6 = key("fd96::1", 443);
const mark: IpvsServiceKey = { family: "ip", mark: 9 };
const aDay = { timeoutSeconds: 86_400, mask: 24 };

/** The same state in the words of ipvsadm --save, and as steps. */
const same: readonly (readonly [string, IpvsStep])[] = [
  ["-A -t 10.96.0.1:443 -s rr", add(tcp, { scheduler: "rr" })],
  ["-a -t 10.96.0.1:443 -r 10.244.0.1:8443 -m -w 1", addTo(tcp, "10.244.0.1", 8443, 1)],
  ["-a -t 10.96.0.1:443 -r 10.244.0.2:443 -g -w 0", addTo(tcp, "10.244.0.2", 443, 0, { forwarding: "direct" })],
  [
    "-A -u 10.96.0.10:53 -s wlc -p 86400 -M 255.255.255.0 -o",
    add(key("10.96.0.10", 53, "udp"), { scheduler: "wlc", persistence: aDay, onePacket: true }),
  ],
  [
    "-A -t 10.96.0.11:80 -s sh -b sh-fallback,sh-port",
    add(key("10.96.0.11", 80), { scheduler: "sh", schedulerFlags: ["fallback", "port"] }),
  ],
  ["-A -t 10.96.0.12:80 -s mh -b mh-port", add(key("10.96.0.12", 80), { scheduler: "mh", schedulerFlags: ["port"] })],
  [
    "-A -t [fd96::1]:443 -s wrr -p 60 -M 64",
    add(tcp6, { scheduler: "wrr", persistence: { timeoutSeconds: 60, mask: 64 } }),
  ],
  ["-a -t [fd96::1]:443 -r [fd00::7]:8443 -m -w 7", addTo(tcp6, "fd00::7", 8443, 7)],
  ["-A -f 9 -s dh", add(mark, { scheduler: "dh" })],
  ["-a -f 9 -r 10.244.0.9:0 -i -w 3 --tun-type ipip", addTo(mark, "10.244.0.9", 0, 3, { forwarding: "tunnel" })],
];

/** Seven connections, of which two stay until ipvsadm has said what there is. */
const connections = `
import socket, subprocess
server = socket.create_server(("10.244.0.1", 8080))
kept = []
for n in range(7):
    client = socket.create_connection(("10.96.0.1", 80), timeout=20)
    end, _ = server.accept()
    client.sendall(b"x" * 1000)
    end.recv(1000)
    if n < 5:
        end.close()
        client.recv(1)
        client.close()
    else:
        kept.append((client, end))
print(subprocess.check_output("ipvsadm -Ln", shell=True, text=True))
`;

describe("beside ipvsadm", () => {
  let namespace: NativeNamespace;
  let port: IpvsPort;
  beforeAll(async () => {
    namespace = await native().createNamedNamespace(path);
    sh("ip link set lo up");
    port = (await openIpvs({ namespace }))!;
  });
  afterAll(async () => {
    port.close();
    namespace.close();
    await native().deleteNamedNamespace(path);
  });

  const listed = async () => (await port.list()).sort((a, b) => (serviceName(a.key) < serviceName(b.key) ? -1 : 1));

  it("it saves what we programmed, and we list the same when it restores that", async () => {
    expect(await port.apply(same.map(([, step]) => step))).toEqual(same.map(() => null));
    const saved = sh("ipvsadm --save --numeric");
    expect(lines(saved)).toEqual(same.map(([line]) => line).sort());
    const ours = await listed();
    sh(`ipvsadm --clear
ipvsadm --restore <<'EOF'
${saved}
EOF`);
    expect(await listed()).toEqual(ours);
    // What it does not save.
    const bounds = { upperThreshold: 20, lowerThreshold: 10 };
    await port.apply([{ ...addTo(tcp6, "fd00::7", 8443, 7, bounds), verb: "setDestination" } as IpvsStep]);
    expect(sh("ipvsadm -Ln --thresholds")).toMatch(/\[fd00::7\]:8443 +20 +10 /);
  });

  it("it reads the counters and connections that we read, and the timeouts that we set", async () => {
    await port.setTimeouts({ tcpSeconds: 1000, tcpFinSeconds: 60, udpSeconds: 20 });
    const during = sh(`ipvsadm --clear
ip link add vip type dummy
ip address add 10.96.0.1/32 dev vip
ip address add 10.244.0.1/32 dev lo
ipvsadm -A -t 10.96.0.1:80 -s rr
ipvsadm -a -t 10.96.0.1:80 -r 10.244.0.1:8080 -m
python3 - <<'EOF'
${connections}
EOF
ipvsadm -L --timeout`);
    expect(during).toMatch(/-> 10\.244\.0\.1:8080 +(Masq|Local) +1 +2 +5/);
    expect(during).toContain("1000 60 20");
    // The kernel sums counters up every two seconds (ip_vs_est.c).
    const service = await eventually(
      "the count of all connections",
      async () => {
        const [found] = await port.list([key("10.96.0.1", 80)]);
        return found!.counters.connections === 7n && found;
      },
      60_000,
    );
    const { connections: opened, packetsIn, packetsOut, bytesIn, bytesOut } = service.counters;
    expect(bytesIn).toBeGreaterThan(7000n);
    expect(service.destinations[0]!.counters).toEqual(service.counters);
    const counted = [opened, packetsIn, packetsOut, bytesIn, bytesOut].join(" +");
    expect(sh("ipvsadm -Ln --stats --exact")).toMatch(new RegExp(`TCP +10\\.96\\.0\\.1:80 +${counted}\n`));
    const [{ activeConnections, inactiveConnections }] = service.destinations as [ListedIpvsDestination];
    expect(activeConnections + inactiveConnections).toBe(7);
    await port.apply([{ verb: "zeroCounters", service: service.key }]);
    expect((await port.services())[0]!.counters).toMatchObject({ connections: 0n, bytesIn: 0n });
  });
});

it("what an ipvs mode has left goes from the kernel, and what others have stays", async () => {
  const namespace = await native().createNamedNamespace(path);
  const ports = [
    await openIpvs({ namespace }),
    await openIpset({ namespace }),
    await openRouting({ namespace }),
  ] as const;
  const [ipvs, ipset, routing] = ports;
  try {
    sh(`ip link set lo up
ip link add kube-ipvs0 type dummy
ip address add 10.96.0.1/32 dev kube-ipvs0
ip -6 address add fd96::1/128 dev kube-ipvs0
ip address add 192.0.2.1/32 dev lo
ipset create KUBE-NODE-PORT-TCP bitmap:port range 0-65535
ipset add KUBE-NODE-PORT-TCP 30080
ipset create MINE hash:ip
ipvsadm --restore <<'EOF'
-A -t 10.96.0.1:443 -s rr
-a -t 10.96.0.1:443 -r 10.244.0.1:8443 -m -w 1
-A -t [fd96::1]:443 -s rr
-A -t 192.0.2.1:30080 -s rr
-A -t 192.0.2.1:80 -s rr
-A -f 9 -s rr
EOF`);
    await removeIpvsMode({ routing, ipset, ipvs });
    const left = sh("ipvsadm --save --numeric; ipset list -name; ip link show type dummy");
    expect(lines(left)).toEqual(["-A -f 9 -s rr", "-A -t 192.0.2.1:80 -s rr", "MINE"]);
  } finally {
    for (const port of ports) port?.close();
    namespace.close();
    await native().deleteNamedNamespace(path);
  }
});

/** ipvsadm writes a space behind some options. */
function lines(text: string): string[] {
  const found = text.split("\n").map((line) => line.trim());
  return found.filter((line) => line !== "").sort();
}

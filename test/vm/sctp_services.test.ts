/** Services of SCTP with real associations, through the nftables mode: the host's kernel may have no SCTP, this one has. */
import { execFileSync, spawn } from "node:child_process";
import { afterAll, beforeAll, expect, test } from "vitest";
import { native, type NativeNamespace } from "../../src/kernel/native.ts";
import { RealNftables } from "../../src/kernel/real/nftables.ts";
import { NftablesTable } from "../../src/proxy/apply/nftables.ts";
import { endpoint, rulesetOf, servicePort, wanted } from "../fixtures/proxied.ts";

const names = ["node", "pod", "client"] as const;
const open: NativeNamespace[] = [];
let server: ReturnType<typeof spawn>;

function sh(script: string): string {
  return execFileSync("sh", ["-ec", script], { encoding: "utf8", timeout: 60_000 });
}

/** Node has no sockets of SCTP. The server says whom it sees. */
const serve = `
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_STREAM, 132)
s.bind(("10.244.1.11", 8080))
s.listen(8)
print("ready", flush=True)
while True:
    c, peer = s.accept()
    c.sendall(("pod sees " + peer[0]).encode())
    c.close()
`;

const ask = `
import errno, socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_STREAM, 132)
s.settimeout(20)
# IP_RECVERR: without it SCTP takes ICMP's word for a hint and waits (net/sctp/input.c).
s.setsockopt(0, 11, 1)
try:
    s.connect((sys.argv[1], int(sys.argv[2])))
    print(s.recv(100).decode())
except OSError as e:
    print(errno.errorcode.get(e.errno, type(e).__name__))
`;

function asked(address: string, port: number): string {
  const command = ["netns", "exec", "client", "/usr/bin/python3", "-c", ask, address, String(port)];
  return execFileSync("ip", command, { encoding: "utf8", timeout: 60_000 }).trim();
}

beforeAll(async () => {
  for (const name of names) open.push(await native().createNamedNamespace(`/run/netns/${name}`));
  sh(`for ns in ${names.join(" ")}; do ip -n $ns link set lo up; done
    ip -n node link add pod1 type veth peer name eth0 netns pod
    ip -n node link add eth0 type veth peer name eth0 netns client
    for link in pod1 eth0; do ip -n node link set $link up; done
    for ns in pod client; do ip -n $ns link set eth0 up; done
    ip -n node addr add 10.244.1.1/24 dev pod1
    ip -n node addr add 192.0.2.1/24 dev eth0
    ip -n pod addr add 10.244.1.11/24 dev eth0
    ip -n pod route add default via 10.244.1.1
    ip -n client addr add 192.0.2.100/24 dev eth0
    ip -n client route add default via 192.0.2.1
    ip netns exec node sysctl -qw net.ipv4.ip_forward=1`);
  const port = await RealNftables.open("/run/netns/node");
  const ruleset = rulesetOf();
  const sctp = { protocol: "SCTP" } as const;
  ruleset.set("a", wanted(servicePort(1, { ...sctp, nodePort: 30_080 }), [endpoint("10.244.1.11")]));
  ruleset.set("b", wanted(servicePort(2, { ...sctp, affinitySeconds: 60 }), [endpoint("10.244.1.11")]));
  ruleset.set("c", wanted(servicePort(3, sctp), []));
  await new NftablesTable(port, ruleset).repair();
  port.close();
  server = spawn("ip", ["netns", "exec", "pod", "/usr/bin/python3", "-c", serve], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await new Promise((resolve) => server.stdout!.once("data", resolve));
});
afterAll(async () => {
  server?.kill();
  for (const namespace of open) namespace.close();
  for (const name of names) await native().deleteNamedNamespace(`/run/netns/${name}`);
});

/** ICMP's word, by which of its names differs with the kernel; without it the client would wait in vain (TimeoutError). */
const refused = /^E(CONNREFUSED|NETUNREACH)$/;

test.each<[string, string, number, string | RegExp]>([
  ["a cluster IP, masqueraded", "10.96.0.1", 80, "pod sees 10.244.1.1"],
  ["a node port", "192.0.2.1", 30_080, "pod sees 10.244.1.1"],
  ["a cluster IP with affinity", "10.96.0.2", 80, "pod sees 10.244.1.1"],
  ["a Service without endpoints", "10.96.0.3", 80, refused],
  ["a port that no Service has", "10.96.0.1", 81, refused],
])("an association to %s", (_, address, port, answer) => {
  expect(asked(address, port)).toMatch(answer);
});

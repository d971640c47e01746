/** Sets as this kernel keeps them, judged by ipset(8), and sets that ipset(8) made as we read them. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { IpAddress } from "../../../src/model/address.ts";
import type { IpsetDefinition, IpsetElement } from "../../../src/kernel/netlink/ipset/set.ts";
import type { IpsetPort } from "../../../src/kernel/ports.ts";
import { openIpset } from "../../../src/kernel/real/ipset.ts";
import { run, useNamespace } from "../../fixtures/namespace.ts";
import { needs } from "../../fixtures/needs.ts";

const ip = (text: string) => text as IpAddress;
const namespace = useNamespace();
let port: IpsetPort;
beforeEach(async (context) => {
  await needs(context, "ipset");
  port = await openIpset({ namespace: namespace() });
});
afterEach(() => port.close());

/** A set as we say it, and as `ipset save` says it. */
interface Pair {
  readonly definition: IpsetDefinition;
  readonly elements: readonly IpsetElement[];
  readonly create: string;
  readonly add: readonly string[];
}

const service = { ip: ip("10.96.0.1"), port: 443, protocol: "tcp" } as const;
const pairs: readonly Pair[] = [
  {
    definition: { type: "hash:ip", family: "ip", hashSize: 128, maxElements: 500 },
    elements: [{ ip: ip("10.0.0.1") }, { ip: ip("10.0.0.200") }],
    create: "hash:ip family inet hashsize 128 maxelem 500",
    add: ["10.0.0.1", "10.0.0.200"],
  },
  {
    definition: { type: "hash:net", family: "ip6", comment: true },
    elements: [
      { ip: ip("fd00::"), cidr: 64, comment: "pods of node a" },
      { ip: ip("fd01::"), cidr: 48, flags: ["nomatch"], comment: "not these" },
    ],
    create: "hash:net family inet6 hashsize 1024 maxelem 65536 comment",
    add: ['fd00::/64 comment "pods of node a"', 'fd01::/48 nomatch comment "not these"'],
  },
  {
    definition: { type: "hash:ip,port", family: "ip", counters: true },
    elements: [
      { ...service, packets: 0n, bytes: 0n },
      { ...service, protocol: "udp", port: 53, packets: 5n, bytes: 2n ** 33n },
      { ...service, protocol: "sctp", port: 99, packets: 0n, bytes: 0n },
    ],
    create: "hash:ip,port family inet hashsize 1024 maxelem 65536 counters",
    add: [
      "10.96.0.1,tcp:443 packets 0 bytes 0",
      "10.96.0.1,udp:53 packets 5 bytes 8589934592",
      "10.96.0.1,sctp:99 packets 0 bytes 0",
    ],
  },
  {
    definition: { type: "hash:ip,port,ip", family: "ip6" },
    elements: [{ ip: ip("fd96::1"), port: 80, protocol: "tcp", ip2: ip("fd00::7") }],
    create: "hash:ip,port,ip family inet6 hashsize 1024 maxelem 65536",
    add: ["fd96::1,tcp:80,fd00::7"],
  },
  {
    definition: { type: "hash:ip,port,net", family: "ip", forceAdd: true },
    elements: [{ ...service, ip2: ip("192.168.0.0"), cidr2: 16 }],
    create: "hash:ip,port,net family inet hashsize 1024 maxelem 65536 forceadd",
    add: ["10.96.0.1,tcp:443,192.168.0.0/16"],
  },
  {
    definition: { type: "bitmap:port", portFrom: 30_000, portTo: 32_767 },
    elements: [{ port: 30_080 }, { port: 32_767 }],
    create: "bitmap:port range 30000-32767",
    add: ["30080", "32767"],
  },
];

/** Numbers that the kernel draws or that its version chose are no part of what was asked. */
async function saved(name: string): Promise<string[]> {
  const output = await run(namespace(), ["ipset", "save", name]);
  return output
    .trim()
    .split("\n")
    .map((line) => line.replace(/ (bucketsize|initval) \S+/g, ""))
    .sort();
}

describe.each(pairs)("$definition.type of $definition.family", ({ definition, elements, create, add }) => {
  const lines = [`create s ${create}`, ...add.map((element) => `add s ${element}`)];

  it("is what ipset(8) reports", async () => {
    const steps = [{ verb: "create", set: "s", definition } as const, { verb: "add", set: "s", elements } as const];
    expect(await port.apply(steps)).toEqual([null, null]);
    // ipset 7.17 does not print forceadd, not even of its own sets: what we read of those, below, says that it holds.
    expect(await saved("s")).toEqual(lines.map((line) => line.replace(" forceadd", "")).sort());
  });

  it("is read as ipset(8) made it", async () => {
    await run(namespace(), ["ipset", "restore"], { stdin: lines.join("\n") + "\n" });
    const [set] = await port.list("s");
    expect(set).toMatchObject({ name: "s", definition, elementCount: elements.length });
    expect(set!.elements).toEqual(expect.arrayContaining([...elements]));
    expect(set!.elements).toHaveLength(elements.length);
  });
});

it("keeps bucket sizes and timeouts", async () => {
  const definition = { type: "hash:ip", family: "ip", bucketSize: 6, timeoutSeconds: 600 } as const;
  const elements = [{ ip: ip("10.0.0.1") }, { ip: ip("10.0.0.2"), timeoutSeconds: 60 }];
  await port.apply([
    { verb: "create", set: "s", definition },
    { verb: "add", set: "s", elements },
  ]);
  const output = await run(namespace(), ["ipset", "save", "s"]);
  expect(output).toMatch(/create s hash:ip family inet hashsize 1024 maxelem 65536 timeout 600 bucketsize 6/);
  expect(output).toMatch(/add s 10\.0\.0\.1 timeout (600|59\d)\n/);
  expect(output).toMatch(/add s 10\.0\.0\.2 timeout (60|5\d)\n/);
  const [set] = await port.list("s");
  expect(set!.definition).toMatchObject(definition);
});

it("reads lists of sets, and sets of types that we do not make", async () => {
  const lines = [
    "create a hash:ip",
    "create l list:set size 4",
    "add l a",
    "create b bitmap:ip range 10.0.0.0/24",
    "add b 10.0.0.7",
  ];
  await run(namespace(), ["ipset", "restore"], { stdin: lines.join("\n") + "\n" });
  expect(await port.list()).toMatchObject([
    { name: "a", references: 1 },
    { name: "b", definition: { type: "other", name: "bitmap:ip" }, elements: [{ ip: "10.0.0.7" }] },
    { name: "l", definition: { type: "list:set", size: 4 }, elements: [{ set: "a" }] },
  ]);
});

it("does not destroy or rename a set that a rule uses", async () => {
  const definition = { type: "hash:ip", family: "ip" } as const;
  await port.apply([{ verb: "create", set: "s", definition }]);
  await run(namespace(), ["iptables-legacy", "-A", "INPUT", "-m", "set", "--match-set", "s", "src", "-j", "ACCEPT"]);
  const [destroyed] = await port.apply([{ verb: "destroy", set: "s" }]);
  expect(destroyed).toMatchObject({ code: "NETLINK_REFUSED", errno: 4100 });
  expect(destroyed!.message).toContain("in use by a rule");
  expect((await port.list("s"))[0]!.references).toBe(1);
});

it("loads 20,000 elements, and lists them again", async () => {
  const elements = Array.from({ length: 20_000 }, (_, n): IpsetElement => ({
    ip: ip(`10.${n >> 13}.${(n >> 5) & 255}.${n & 31}`),
    port: 1 + (n % 60_000),
    protocol: n % 2 ? "tcp" : "udp",
  }));
  const definition = { type: "hash:ip,port", family: "ip" } as const;
  const steps = [{ verb: "create", set: "s", definition } as const, { verb: "add", set: "s", elements } as const];
  expect(await port.apply(steps)).toEqual([null, null]);
  const [set] = await port.list("s");
  const key = (element: IpsetElement) => `${element.ip},${element.protocol}:${element.port}`;
  expect(set!.elements.map(key).sort()).toEqual(elements.map(key).sort());
});

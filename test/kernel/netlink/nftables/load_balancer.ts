/**
 * A Service load balancer as DESIGN has it: one verdict map of frontends, chains that all frontends
 * with n endpoints share, affinity, source ranges and masquerading.
 */
import { concatKey, part, register, verdictRegister } from "../../../../src/kernel/netlink/nftables/data.ts";
import { setOf } from "../../../../src/kernel/netlink/nftables/datatype.ts";
import { ctState } from "../../../../src/kernel/netlink/nftables/expressions/load.ts";
import type { Expression } from "../../../../src/kernel/netlink/nftables/expressions/index.ts";
import type { NftElement, NftRule } from "../../../../src/kernel/netlink/nftables/state.ts";
import type { NftStep } from "../../../../src/kernel/netlink/nftables/step.ts";

export const table = { family: "ip", name: "fairlead" } as const;
const tcp = 6;
const udp = 17;
const masqueradeMark = 0x4000;

const frontend = (address: string, protocol: number, port: number) => [
  part.address(address),
  part.protocol(protocol),
  part.port(port),
];
const goto = (key: readonly Uint8Array[], chain: string): NftElement => ({
  key: concatKey(key),
  data: { verdict: { code: "goto", chain } },
});
const endpoint = (key: readonly Uint8Array[], index: number, address: string, port: number): NftElement => ({
  key: concatKey([...key, part.host32(index)]),
  data: { value: concatKey([part.address(address), part.port(port)]) },
});

const web = frontend("10.96.0.1", tcp, 80);
const dns = frontend("10.96.0.10", udp, 53);

/** daddr . protocol . dport in the first three registers. */
const loadFrontend: readonly Expression[] = [
  { expr: "payload", dreg: register(0), base: "network", offset: 16, len: 4 },
  { expr: "meta", dreg: register(1), key: "l4proto" },
  { expr: "payload", dreg: register(2), base: "transport", offset: 2, len: 2 },
];
const dnat: Expression = {
  expr: "nat",
  type: "dnat",
  family: "ip",
  regAddrMin: register(0),
  regProtoMin: register(1),
};
const fanOut = (endpoints: number): NftRule => ({
  expressions: [
    ...loadFrontend,
    { expr: "numgen", dreg: register(3), modulus: endpoints, type: "random" },
    { expr: "lookup", set: "endpoints", sreg: register(0), dreg: register(0) },
    dnat,
  ],
});
const remember: NftRule = {
  expressions: [
    { expr: "payload", dreg: register(0), base: "network", offset: 12, len: 4 },
    { expr: "dynset", setName: "affinity", op: "update", sregKey: register(0), timeoutMs: 10_800_000 },
    { expr: "counter" },
  ],
  userdata: { comment: "who came last" },
};
const established: NftRule = {
  expressions: [
    { expr: "ct", dreg: register(0), key: "state" },
    {
      expr: "bitwise",
      sreg: register(0),
      dreg: register(0),
      len: 4,
      mask: part.host32(ctState.established | ctState.related),
      xor: part.host32(0),
    },
    { expr: "cmp", sreg: register(0), op: "neq", data: part.host32(0) },
    { expr: "counter" },
    { expr: "immediate", dreg: verdictRegister, data: { verdict: { code: "accept" } } },
  ],
};
const dropForeign: NftRule = {
  expressions: [
    { expr: "payload", dreg: register(0), base: "network", offset: 12, len: 4 },
    { expr: "payload", dreg: register(1), base: "transport", offset: 2, len: 2 },
    { expr: "lookup", set: "sources", sreg: register(0), flags: ["inv"] },
    { expr: "objref", type: "counter", name: "foreign" },
    { expr: "immediate", dreg: verdictRegister, data: { verdict: { code: "drop" } } },
  ],
};
const masquerade: NftRule = {
  expressions: [
    { expr: "meta", dreg: register(0), key: "mark" },
    {
      expr: "bitwise",
      sreg: register(0),
      dreg: register(0),
      len: 4,
      mask: part.host32(masqueradeMark),
      xor: part.host32(0),
    },
    { expr: "cmp", sreg: register(0), op: "eq", data: part.host32(masqueradeMark) },
    { expr: "masq", flags: ["fullyRandom"] },
  ],
};

const rule = (chain: string, value: NftRule): NftStep => ({ step: "add rule", table, chain, rule: value });

export const loadBalancer: readonly NftStep[] = [
  { step: "add table", table, userdata: { comment: "Service proxy" } },
  { step: "add object", table, object: { objectName: "foreign", kind: "counter" } },
  {
    step: "add chain",
    table,
    chain: { name: "prerouting", base: { type: "nat", hook: "prerouting", priority: -100 } },
  },
  {
    step: "add chain",
    table,
    chain: { name: "postrouting", base: { type: "nat", hook: "postrouting", priority: 100 } },
  },
  {
    step: "add chain",
    table,
    chain: { name: "forward", base: { type: "filter", hook: "forward", priority: 0, policy: "accept" } },
  },
  { step: "add chain", table, chain: { name: "fan-out-2", userdata: { comment: "two endpoints" } } },
  { step: "add chain", table, chain: { name: "fan-out-3" } },
  {
    step: "add set",
    table,
    set: { name: "frontends", ...setOf(["ipv4_addr", "inet_proto", "inet_service"], "verdict"), size: 1000 },
  },
  {
    step: "add set",
    table,
    set: {
      name: "endpoints",
      ...setOf(["ipv4_addr", "inet_proto", "inet_service", "mark"], ["ipv4_addr", "inet_service"]),
    },
  },
  {
    step: "add set",
    table,
    set: { name: "affinity", ...setOf(["ipv4_addr"]), flags: ["timeout", "eval"], size: 65536, gcIntervalMs: 60_000 },
  },
  {
    step: "add set",
    table,
    set: { name: "sources", ...setOf(["ipv4_addr", "inet_service"], undefined, { interval: true }) },
  },
  {
    step: "add elements",
    table,
    set: "frontends",
    elements: [goto(web, "fan-out-2"), { ...goto(dns, "fan-out-3"), userdata: { comment: "kube-dns" } }],
  },
  {
    step: "add elements",
    table,
    set: "endpoints",
    elements: [
      ...["10.1.0.1", "10.1.0.2"].map((address, index) => endpoint(web, index, address, 8080)),
      ...["10.1.0.3", "10.1.0.4", "10.1.0.5"].map((address, index) => endpoint(dns, index, address, 5353)),
    ],
  },
  {
    step: "add elements",
    table,
    set: "sources",
    elements: [
      {
        key: concatKey([part.address("10.0.0.0"), part.port(80)]),
        keyEnd: concatKey([part.address("10.255.255.255"), part.port(89)]),
      },
    ],
  },
  { step: "add elements", table, set: "affinity", elements: [{ key: part.address("10.2.0.1"), timeoutMs: 3_600_000 }] },
  rule("prerouting", {
    expressions: [...loadFrontend, { expr: "lookup", set: "frontends", sreg: register(0), dreg: verdictRegister }],
    userdata: { comment: "to the Service's endpoints" },
  }),
  rule("fan-out-2", fanOut(2)),
  rule("fan-out-3", remember),
  rule("fan-out-3", fanOut(3)),
  rule("forward", established),
  rule("forward", dropForeign),
  rule("postrouting", masquerade),
];

/** Chains and flowtables: what hangs in netfilter's hooks (enum nft_chain_attributes, nft_flowtable_attributes). */
import { attr, attributes, nest } from "../codec/attributes.ts";
import { be32, named, type ValueOf } from "../codec/codec.ts";
import { flags } from "../codec/flags.ts";
import { counter } from "./expressions/stateful.ts";
import { be32Attr, be64Number, devices, sbe32, textAttr } from "./fields.ts";
import { commentUserdata } from "./userdata.ts";

/** Hook numbers depend on the family: see {@link hookNumbers}. `device` and `devices` in netdev and inet ingress. */
const hook = attributes({
  number: be32Attr(1),
  priority: attr(2, sbe32),
  device: textAttr(3),
  devices: nest(4, devices),
});

export const chainPolicy = named(be32, { drop: 0, accept: 1 });

export const chain = attributes({
  table: textAttr(1),
  handle: attr(2, be64Number),
  name: textAttr(3),
  hook: nest(4, hook),
  policy: attr(5, chainPolicy),
  use: be32Attr(6),
  type: textAttr(7),
  counters: nest(8, counter),
  flags: attr(10, flags(be32, { base: 1, offload: 2, binding: 4 })),
  id: be32Attr(11),
  userdata: attr(12, commentUserdata),
});

const flowtableHook = attributes({ number: be32Attr(1), priority: attr(2, sbe32), devices: nest(3, devices) });

export const flowtable = attributes({
  table: textAttr(1),
  name: textAttr(2),
  hook: nest(3, flowtableHook),
  use: be32Attr(4),
  handle: attr(5, be64Number),
  flags: attr(7, flags(be32, { offload: 1, counter: 2 })),
});

export type ChainBody = ValueOf<typeof chain>;
export type FlowtableBody = ValueOf<typeof flowtable>;

/** NF_INET_*, NF_ARP_*, NF_NETDEV_*: what a hook's number is in each family. */
export const hookNumbers = {
  ip: { prerouting: 0, input: 1, forward: 2, output: 3, postrouting: 4 },
  ip6: { prerouting: 0, input: 1, forward: 2, output: 3, postrouting: 4 },
  inet: { prerouting: 0, input: 1, forward: 2, output: 3, postrouting: 4, ingress: 5 },
  bridge: { prerouting: 0, input: 1, forward: 2, output: 3, postrouting: 4 },
  arp: { input: 0, output: 1 },
  netdev: { ingress: 0, egress: 1 },
} as const;

/**
 * What this kernel can do, by trying it in a namespace that goes away afterwards. A probe says absent
 * only where the kernel answered with the errno for 'no such thing'; any other failure is an error.
 */
import { FairleadError } from "../../errors/catalogue.ts";
import { native, type NamespaceRef } from "../native.ts";
import { flushEntries } from "../netlink/ctnetlink/messages.ts";
import { nfgenmsg, nfnetlinkType, subsystem } from "../netlink/nfnetlink.ts";
import { openBpf } from "./bpf.ts";
import { openGenericNetlink } from "./generic_netlink.ts";
import { openIpset } from "./ipset.ts";
import { NetlinkClient, netlinkProtocol } from "./netlink_client.ts";
import { openRouting } from "./routing.ts";
import type { RoutingChange } from "../ports.ts";

export type Probe = { readonly state: "present" } | { readonly state: "absent"; readonly reason: string };

/** A feature of the kernel, with what decides whether a kernel must have it. */
export interface Feature {
  /** The first version that has it. */
  readonly since: readonly [major: number, minor: number];
  /** The configuration option without which a kernel of that version lacks it. */
  readonly option: string;
  /** The errno of a kernel that lacks it. */
  readonly absentErrno: number;
  /** Uses it in a fresh namespace; a kernel that lacks it makes this throw `absentErrno`. */
  readonly attempt: (namespace: NamespaceRef) => Promise<void>;
}

const ENOENT = 2;
/** A netfilter subsystem that nobody registered (nfnetlink_rcv_msg). */
const EINVAL = 22;
const EOPNOTSUPP = 95;
/** The index of a link that every namespace has. */
const loopback = 1;

export const features = {
  nftables: {
    since: [3, 13],
    option: "CONFIG_NF_TABLES",
    absentErrno: EINVAL,
    attempt: attemptNftables,
  },
  ipset: {
    since: [2, 6],
    option: "CONFIG_IP_SET",
    absentErrno: EINVAL,
    attempt: (namespace) => using(openIpset({ namespace }), () => Promise.resolve()),
  },
  /** CTA_FILTER in a request to delete. */
  conntrackFilterFlush: {
    since: [6, 12],
    option: "CONFIG_NF_CT_NETLINK",
    absentErrno: EOPNOTSUPP,
    attempt: attemptFilterFlush,
  },
  ipvs: {
    since: [2, 6],
    option: "CONFIG_IP_VS",
    absentErrno: ENOENT,
    attempt: (namespace) =>
      using(openGenericNetlink({ namespace }), async (port) => {
        if (await port.family("IPVS")) return;
        const reason = "there is no generic netlink family of this name";
        throw new FairleadError("NETLINK_REFUSED", { subject: "find family IPVS", reason, errno: ENOENT });
      }),
  },
  /** Programs at a link without a qdisc. */
  tcx: {
    since: [6, 6],
    option: "CONFIG_NET_XGRESS",
    absentErrno: EINVAL,
    attempt: async (namespace) => void (await openBpf({ namespace }).attached(loopback)),
  },
  dummy: link("CONFIG_DUMMY", [2, 6], [{ name: "probe0", info: { kind: "dummy" } }]),
  wireguard: link("CONFIG_WIREGUARD", [5, 6], [{ name: "probe0", info: { kind: "wireguard" } }]),
  ipvlan: link(
    "CONFIG_IPVLAN",
    [3, 19],
    [
      { name: "probe0", index: 100, info: { kind: "veth" } },
      { name: "probe1", link: 100, info: { kind: "ipvlan" } },
    ],
  ),
} as const satisfies Record<string, Feature>;

export type FeatureName = keyof typeof features;

/** @throws FairleadError when the probe itself fails: nothing is known then */
export async function probe(name: FeatureName): Promise<Probe> {
  const feature: Feature = features[name];
  const namespace = await native().createNamespace();
  try {
    await feature.attempt(namespace);
    return { state: "present" };
  } catch (error) {
    if (!(error instanceof FairleadError) || error.errno !== feature.absentErrno) throw error;
    return { state: "absent", reason: error.message };
  } finally {
    namespace.close();
  }
}

type LinkValue = Extract<RoutingChange, { object: "link" }>["value"];

/** A kind of link: the kernel answers EOPNOTSUPP, "Unknown device type", for one that it lacks. */
function link(option: string, since: Feature["since"], links: readonly LinkValue[]): Feature {
  const changes = links.map((value) => ({ verb: "add", object: "link", value }) as const);
  const attempt = (namespace: NamespaceRef): Promise<void> =>
    using(openRouting({ namespace }), async (port) => {
      for (const error of await port.apply(changes)) if (error) throw error;
    });
  return { since, option, absentErrno: EOPNOTSUPP, attempt };
}

/** Asks for the ruleset's generation (NFT_MSG_GETGEN), which is there without any ruleset. */
async function attemptNftables(namespace: NamespaceRef): Promise<void> {
  const getGeneration = nfnetlinkType(subsystem.nftables, 16);
  const body = { family: "unspec", version: 0, resourceId: 0 } as const;
  await using(NetlinkClient.open({ protocol: netlinkProtocol.netfilter, namespace }), (client) =>
    client.request({ type: getGeneration, flags: 0, codec: nfgenmsg, body }, "ask for the generation of nf_tables"),
  );
}

/**
 * With tuples an older kernel would not come to look at CTA_FILTER (EINVAL: a tuple that is not whole). An
 * empty filter flushes all of the family, of which a fresh namespace has nothing.
 */
async function attemptFilterFlush(namespace: NamespaceRef): Promise<void> {
  const request = flushEntries({ family: "ip" });
  const body = { ...request.body, filter: { originalFlags: [], replyFlags: [] } };
  await using(NetlinkClient.open({ protocol: netlinkProtocol.netfilter, namespace }), (client) =>
    client.request({ ...request, body }, "flush conntrack entries by a filter"),
  );
}

async function using<P extends { close(): void }>(
  opening: Promise<P>,
  use: (port: P) => Promise<unknown>,
): Promise<void> {
  const port = await opening;
  try {
    await use(port);
  } finally {
    port.close();
  }
}

/** Brings together what is noted of attachments and what the kernel has. */
import type { Link } from "../kernel/netlink/rtnetlink/link.ts";
import { decodeAlias } from "./links/alias.ts";
import { LinkApply, type Shared, type LinkPorts } from "./links/apply.ts";
import type { PodLink } from "./links/link.ts";
import { hostLinkPrefix, podLinkGroup } from "./links/names.ts";
import { observeEnd } from "./links/observe.ts";
import { planLink } from "./links/plan.ts";
import type { Attachments } from "./state/attachments.ts";
import type { AttachmentDetail, PodAttachment } from "./state/detail.ts";

export interface Reconciling {
  readonly attachments: Attachments<AttachmentDetail>;
  readonly ports: LinkPorts;
  readonly shared: Shared;
  readonly remove: (attachment: PodAttachment) => Promise<void>;
}

/** Nothing else is added or deleted meanwhile. */
export async function reconcile({ attachments, ports, shared, remove }: Reconciling): Promise<void> {
  const links = await podLinks(ports);
  const noted = attachments.list();
  for (const attachment of noted) {
    const link = links.get(attachment.hostLink);
    links.delete(attachment.hostLink);
    // Half-made: its caller has got an error. Without a link: it went with its namespace, and its address is free.
    if (!attachment.isReady || !link) await remove(attachment);
    else await mend(ports, shared, attachment.detail.link);
  }
  for (const link of links.values()) adopt(attachments, link);
}

async function podLinks({ routing }: LinkPorts): Promise<Map<string, Link>> {
  const all = await routing.links({ kind: "veth" });
  const ours = all.filter(({ name, group }) => group === podLinkGroup && name?.startsWith(hostLinkPrefix));
  return new Map(ours.map((link) => [link.name!, link]));
}

/** The node's end alone: what is in the pod's namespace went through nobody's hands but the pod's. */
async function mend(ports: LinkPorts, shared: Shared, link: PodLink): Promise<void> {
  const host = await observeEnd(ports.routing, link.hostLink);
  await new LinkApply(ports, shared, undefined).apply(planLink({ host, pod: "unseen" }, link));
}

/** The notes of it are lost, the pod may live: it keeps its addresses until DEL or GC comes for it. */
function adopt(attachments: Attachments<AttachmentDetail>, link: Link): void {
  const said = decodeAlias(link.alias ?? "");
  if (!said || attachments.find(said.owner)) return;
  const noLimit = { rate: 0, burst: 0 };
  const wanted: PodLink = {
    ...said.link,
    hostLink: link.name!,
    alias: link.alias ?? "",
    ifName: said.owner.ifName,
    mtu: link.mtu ?? 1500,
    routes: [],
    ingress: noLimit,
    egress: noLimit,
  };
  const pod = { namespace: "", name: "", uid: "" };
  const addresses = said.link.addresses.map(({ address }) => address);
  attachments.adopt({ ...said.owner, hostLink: link.name! }, addresses, { link: wanted, portMappings: [], pod });
}

/** Links (network devices): struct ifinfomsg and IFLA_* (include/uapi/linux/if_link.h). */
import { attributes } from "../codec/attributes.ts";
import { merged, type ValueOf } from "../codec/codec.ts";
import type { Spec } from "./common.ts";
import { linkHeader, plainLinkAttributes } from "./link_header.ts";
import { linkInfoAttribute } from "./link_kinds.ts";

/**
 * RTM_NEWLINK, RTM_DELLINK, RTM_GETLINK and RTM_SETLINK in family unspec. Messages of family bridge
 * (see bridge.ts) and ip6 have other contents under the same numbers: they are not for this codec.
 */
export const linkMessage = merged(linkHeader, attributes({ ...plainLinkAttributes, info: linkInfoAttribute }));

/** What of a link its other end, and who waits for it, must know: a whole link takes long to decode. */
export const linkStateMessage = merged(
  linkHeader,
  attributes({ link: plainLinkAttributes.link, operState: plainLinkAttributes.operState }),
);
export type LinkState = ValueOf<typeof linkStateMessage>;

/** A link as the kernel tells of it. */
export type Link = ValueOf<typeof linkMessage>;
/** A link as a request gives it. */
export type LinkSpec = Spec<Link, keyof ValueOf<typeof linkHeader>>;

/** The header of a request that says nothing of its own. */
export const noLinkHeader: ValueOf<typeof linkHeader> = {
  family: "unspec",
  hardwareType: "unspec",
  index: 0,
  flags: [],
  change: [],
};

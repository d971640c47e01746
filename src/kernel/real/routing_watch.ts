/** What rtnetlink's multicast groups say, as events. */
import { FairleadError } from "../../errors/catalogue.ts";
import type { NamespaceRef } from "../native.ts";
import { decodeBody, splitDatagram, type ReceivedMessage } from "../netlink/codec/message.ts";
import { addressMessage } from "../netlink/rtnetlink/address.ts";
import { routeGroup, routeMessage as message } from "../netlink/rtnetlink/common.ts";
import { linkMessage } from "../netlink/rtnetlink/link.ts";
import { neighborMessage } from "../netlink/rtnetlink/neighbor.ts";
import { routeEntryMessage } from "../netlink/rtnetlink/route.ts";
import type { RoutingEvent, WatchedObject } from "../ports.ts";
import { MulticastWatch } from "./multicast_watch.ts";
import { netlinkProtocol } from "./netlink_client.ts";

const groups: Readonly<Record<WatchedObject, readonly number[]>> = {
  link: [routeGroup.link],
  address: [routeGroup.ipAddress, routeGroup.ip6Address],
  route: [routeGroup.ipRoute, routeGroup.ip6Route],
  neighbor: [routeGroup.neighbor],
  fdb: [routeGroup.neighbor],
};

export const allObjects = Object.keys(groups) as readonly WatchedObject[];

const AF_UNSPEC = 0;

/** @throws FairleadError NATIVE_CALL when the namespace is not there */
export function watchRouting(
  namespace: NamespaceRef,
  onEvent: (event: RoutingEvent) => void,
  objects: readonly WatchedObject[],
): Promise<MulticastWatch> {
  const options = {
    what: "links, addresses, routes and neighbours",
    protocol: netlinkProtocol.route,
    namespace,
    groups: [...new Set(objects.flatMap((object) => groups[object]))],
    receiveBufferBytes: 4 << 20,
    // About a thousand messages: a few milliseconds of decoding.
    maxBytesPerTurn: 256 << 10,
  };
  return MulticastWatch.open(options, {
    onDatagram: (datagram) => {
      for (const event of eventsOf(datagram)) {
        // Neighbours and forwarding entries have a group in common.
        if (!("object" in event) || objects.includes(event.object)) onEvent(event);
      }
    },
    onOverrun: () => onEvent({ event: "overrun" }),
    onFailed: (error) => onEvent({ event: "failed", error }),
  });
}

/** What cannot be read was said all the same: the watcher observes again, as after an overrun. */
function* eventsOf(datagram: Buffer): Generator<RoutingEvent> {
  try {
    for (const received of splitDatagram(datagram)) {
      const event = eventOf(received);
      if (event) yield event;
    }
  } catch (error) {
    if (!(error instanceof FairleadError)) throw error;
    yield { event: "overrun" };
  }
}

function eventOf(received: ReceivedMessage): RoutingEvent | undefined {
  switch (received.type) {
    case message.newLink:
    case message.deleteLink: {
      // A bridge's port leaving it is a RTM_DELLINK of family bridge: the link itself stays.
      if (received.datagram[received.start] !== AF_UNSPEC) return undefined;
      const event = received.type === message.newLink ? "new" : "delete";
      return { event, object: "link", value: decodeBody(linkMessage, received) };
    }
    case message.newAddress:
    case message.deleteAddress: {
      const event = received.type === message.newAddress ? "new" : "delete";
      return { event, object: "address", value: decodeBody(addressMessage, received) };
    }
    case message.newRoute:
    case message.deleteRoute: {
      const event = received.type === message.newRoute ? "new" : "delete";
      return { event, object: "route", value: decodeBody(routeEntryMessage, received) };
    }
    case message.newNeighbor:
    case message.deleteNeighbor: {
      const value = decodeBody(neighborMessage, received);
      const event = received.type === message.newNeighbor ? "new" : "delete";
      return { event, object: value.family === "bridge" ? "fdb" : "neighbor", value };
    }
    default:
      return undefined;
  }
}

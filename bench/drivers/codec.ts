/** The hot messages, a thousand things a call: what a full load writes and what a resync reads. */
import { parseIp, type IpAddress } from "../../src/model/address.ts";
import {
  decodeBody,
  encodeBatch,
  flag,
  splitDatagram,
  type AnyRequest,
} from "../../src/kernel/netlink/codec/message.ts";
import { newEntry, readEntry } from "../../src/kernel/netlink/ctnetlink/messages.ts";
import { nftCodecs, nftRequest } from "../../src/kernel/netlink/nftables/message.ts";
import { routingRequest } from "../../src/kernel/netlink/rtnetlink/requests.ts";
import { routeEntryMessage } from "../../src/kernel/netlink/rtnetlink/route.ts";
import { microDriver, type MicroCase } from "./micro.ts";
import { mapElements, mapName, tableName } from "./nft_map/content.ts";
import { nftElement } from "./nft_map/steps.ts";
import { destinations } from "./routes/content.ts";
import { routeChanges } from "./routes/fairlead.ts";

const items = 1000;
/** Elements of one message: an attribute holds 64 KiB. */
const elementsOfMessage = 500;

export const codecDrivers = [
  ...bothWays("set elements", elementRequests, (message) => decodeBody(nftCodecs.elements, message)),
  ...bothWays("routes", routeRequests, (message) => decodeBody(routeEntryMessage, message)),
  ...bothWays("conntrack entries", conntrackRequests, readEntry),
].map(microDriver);

type Received = ReturnType<typeof splitDatagram>[number];

function bothWays(what: string, requests: () => AnyRequest[], decode: (message: Received) => unknown): MicroCase[] {
  return [
    {
      name: `encode ${what}`,
      what: "from values to the bytes of one send",
      items,
      make: () => {
        const values = requests();
        return () => encodeBatch(values, 1);
      },
    },
    {
      name: `decode ${what}`,
      what: "from a datagram to values",
      items,
      make: () => {
        const datagram = Buffer.from(encodeBatch(requests(), 1));
        return () => splitDatagram(datagram).map(decode);
      },
    },
  ];
}

function elementRequests(): AnyRequest[] {
  const elements = mapElements({ elements: items, chains: 8 }).map(nftElement);
  const requests: AnyRequest[] = [];
  for (let from = 0; from < items; from += elementsOfMessage) {
    const body = { table: tableName, set: mapName, elements: elements.slice(from, from + elementsOfMessage) };
    requests.push(nftRequest("elements", "newElement", flag.create, "ip", body));
  }
  return requests;
}

function routeRequests(): AnyRequest[] {
  return routeChanges(destinations({ routes: items }), 2).map(routingRequest);
}

/** Connections to a Service, as a node has them by the thousand. */
function conntrackRequests(): AnyRequest[] {
  const service = address("10.96.0.10");
  const pod = address("10.244.1.2");
  return Array.from({ length: items }, (_, i) => {
    const client = address(`10.244.${2 + (i >> 8)}.${i & 255}`);
    const sourcePort = 32_768 + i;
    return newEntry({
      family: "ip",
      original: { source: client, destination: service, protocol: "tcp", sourcePort, destinationPort: 80 },
      reply: { source: pod, destination: client, protocol: "tcp", sourcePort: 8080, destinationPort: sourcePort },
      timeoutSeconds: 86_400,
      mark: 0x4000,
      protoinfo: { tcp: { state: "established" } },
    });
  });
}

function address(text: string): IpAddress {
  const parsed = parseIp(text);
  if (!parsed) throw new TypeError(`"${text}" is not an address`);
  return parsed;
}

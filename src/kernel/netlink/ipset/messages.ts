/** Requests to ipset, and what its answers say (net/netfilter/ipset/ip_set_core.c). */
import { decodeBody, flag, type AnyRequest, type ReceivedMessage, type Request } from "../codec/message.ts";
import { DecodeFailure, Reader } from "../codec/reader.ts";
import { nfnetlinkType, subsystem } from "../nfnetlink.ts";
import {
  elementMessage,
  setMessage,
  twoSetsMessage,
  type ElementMessage,
  type SetMessage,
  type TwoSetsMessage,
} from "./attributes.ts";
import { familyOf, headerOf, setsOf, type Ipset, type IpsetDefinition, type IpsetElement } from "./set.ts";

/** IPSET_CMD_* */
const command = {
  protocol: 1,
  create: 2,
  destroy: 3,
  flush: 4,
  rename: 5,
  swap: 6,
  list: 7,
  add: 9,
  remove: 10,
  test: 11,
  header: 12,
  type: 13,
} as const;

/** The versions that this codec speaks: 7 (Linux 4.20) lists a set's index, the rest is the same. */
export const protocolVersions = { lowest: 6, highest: 7 } as const;

/** `version` of every message: {@link askProtocol} tells what the kernel speaks. */
export type ProtocolVersion = 6 | 7;

const head = { family: "ip", version: 0, resourceId: 0 } as const;

function type(name: keyof typeof command): number {
  return nfnetlinkType(subsystem.ipset, command[name]);
}

function setRequest(name: keyof typeof command, flags: number, body: Omit<SetMessage, keyof typeof head>) {
  return { type: type(name), flags, codec: setMessage, body: { ...head, ...body } } satisfies Request<SetMessage>;
}

/** Which protocol versions the kernel speaks. */
export function askProtocol(): Request<SetMessage> {
  return setRequest("protocol", 0, { protocol: protocolVersions.lowest });
}

/** The version to speak with this kernel; undefined when there is none that both know. */
export function readProtocol(received: ReceivedMessage): ProtocolVersion | undefined {
  const { protocol: highest = 0, lowest = highest } = decodeBody(setMessage, received);
  if (highest >= 7 && lowest <= 7) return 7;
  return highest === 6 ? 6 : undefined;
}

/** Which revisions of a type the kernel has, for a family. */
export function askType(protocol: ProtocolVersion, definition: IpsetDefinition): Request<SetMessage> {
  return setRequest("type", 0, { protocol, typeName: definition.type, setFamily: familyOf(definition) });
}

/** The highest revision, which creates sets with all that the kernel knows. */
export function readRevision(received: ReceivedMessage): number {
  return decodeBody(setMessage, received).revision ?? 0;
}

/** @param exclusive whether a set of the same name and definition is an error (EEXIST) */
export function createSet(
  protocol: ProtocolVersion,
  name: string,
  definition: IpsetDefinition,
  revision: number,
  exclusive: boolean,
): Request<SetMessage> {
  return setRequest("create", flag.create | (exclusive ? flag.exclusive : 0), {
    protocol,
    name,
    typeName: definition.type,
    revision,
    setFamily: familyOf(definition),
    header: headerOf(definition),
  });
}

/** One set: without a name the kernel destroys all of them, which nobody here asks for. */
export function destroySet(protocol: ProtocolVersion, name: string): Request<SetMessage> {
  return setRequest("destroy", flag.exclusive, { protocol, name });
}

export function flushSet(protocol: ProtocolVersion, name: string): Request<SetMessage> {
  return setRequest("flush", 0, { protocol, name });
}

export function renameSet(protocol: ProtocolVersion, name: string, to: string): Request<TwoSetsMessage> {
  return twoSets("rename", protocol, name, to);
}

/** Each gets the other's name: what rules refer to changes at once. */
export function swapSets(protocol: ProtocolVersion, name: string, other: string): Request<TwoSetsMessage> {
  return twoSets("swap", protocol, name, other);
}

function twoSets(kind: "rename" | "swap", protocol: ProtocolVersion, name: string, name2: string) {
  return { type: type(kind), flags: 0, codec: twoSetsMessage, body: { ...head, protocol, name, name2 } };
}

/** A dump of one set or of all. */
export function listSets(protocol: ProtocolVersion, name?: string): Request<SetMessage> {
  return setRequest("list", 0, name === undefined ? { protocol } : { protocol, name });
}

/** @throws FairleadError NETLINK_DECODE */
export function readSets(received: readonly ReceivedMessage[]): Ipset[] {
  return setsOf(received.map((message) => decodeBody(setMessage, message)));
}

/** Whether the set has the element: the kernel answers 0 or IPSET_ERR_EXIST. */
export function testElement(protocol: ProtocolVersion, name: string, element: IpsetElement): Request<ElementMessage> {
  return { type: type("test"), flags: 0, codec: elementMessage, body: { ...head, protocol, name, element } };
}

/** A nested attribute holds less than 64 KiB. */
const batchBytes = 60_000;
/** More than the attributes of an element take, but for its comment and its names. */
const elementBytes = 192;

/**
 * Adds or removes elements, as many to a message as fit. The kernel stops at the first that fails;
 * {@link failedElement} tells which.
 *
 * @param exclusive whether an element that is there already (add), or is not there (remove), fails
 */
export function changeElements(
  kind: "add" | "remove",
  protocol: ProtocolVersion,
  name: string,
  elements: readonly IpsetElement[],
  exclusive: boolean,
): AnyRequest[] {
  const flags = exclusive ? flag.exclusive : 0;
  return batches(elements).map(([from, to]) => {
    // Line 0 means none to the kernel: lines count from 1 over all messages.
    const lines = elements.slice(from, to).map((element, i) => ({ ...element, line: from + i + 1 }));
    const body: ElementMessage = { ...head, protocol, name, elements: lines, line: 0 };
    return { type: type(kind), flags, codec: elementMessage, body };
  });
}

function batches(elements: readonly IpsetElement[]): [number, number][] {
  const ranges: [number, number][] = [];
  let from = 0;
  let size = 0;
  for (let i = 0; i < elements.length; i++) {
    const bytes = elementBytes + Buffer.byteLength(elements[i]!.comment ?? "");
    if (size + bytes > batchBytes) {
      ranges.push([from, i]);
      [from, size] = [i, 0];
    }
    size += bytes;
  }
  if (from < elements.length) ranges.push([from, elements.length]);
  return ranges;
}

/** Index of the element that an error means, from the request that came back with it; undefined when it names none. */
export function failedElement(request: Uint8Array | undefined): number | undefined {
  if (!request) return undefined;
  try {
    const line = elementMessage.read(new Reader(request)).line ?? 0;
    return line === 0 ? undefined : line - 1;
  } catch (error) {
    // A request that was cut short names no element: the error itself still stands.
    if (error instanceof DecodeFailure) return undefined;
    throw error;
  }
}

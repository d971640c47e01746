/** Netlink messages by hand: these tests must not depend on the codecs that are tested elsewhere. */
import { afterEach, beforeEach } from "vitest";
import {
  native,
  type NativeError,
  type NativeNamespace,
  type NativeNetlinkSocket,
  type NetlinkSocketOptions,
} from "../../../src/kernel/native.ts";

export const NETLINK_ROUTE = 0;
export const RTNLGRP_LINK = 1;

export const NLMSG_NOOP = 1;
export const NLMSG_ERROR = 2;
export const NLMSG_DONE = 3;
export const RTM_NEWLINK = 16;
export const RTM_DELLINK = 17;
export const RTM_GETLINK = 18;
export const RTM_NEWLINKPROP = 108;

const NLM_F_REQUEST = 0x1;
const NLM_F_ACK = 0x4;
const NLM_F_DUMP = 0x300;
const NLM_F_CREATE_EXCL = 0x600;
const NLM_F_APPEND = 0x800;

const IFLA_IFNAME = 3;
const IFLA_LINKINFO = 18;
const IFLA_INFO_KIND = 1;
const IFLA_PROP_LIST = 52 | 0x8000;
const IFLA_ALT_IFNAME = 53;

export interface Message {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  readonly port: number;
  readonly body: Buffer;
}

export function message(type: number, flags: number, sequence: number, body: Buffer = Buffer.alloc(0)): Buffer {
  const bytes = Buffer.alloc((16 + body.length + 3) & ~3);
  bytes.writeUInt32LE(16 + body.length, 0);
  bytes.writeUInt16LE(type, 4);
  bytes.writeUInt16LE(NLM_F_REQUEST | flags, 6);
  bytes.writeUInt32LE(sequence, 8);
  body.copy(bytes, 16);
  return bytes;
}

function attribute(type: number, value: Buffer): Buffer {
  const bytes = Buffer.alloc((4 + value.length + 3) & ~3);
  bytes.writeUInt16LE(4 + value.length, 0);
  bytes.writeUInt16LE(type, 2);
  value.copy(bytes, 4);
  return bytes;
}

const text = (value: string): Buffer => Buffer.from(`${value}\0`);

/** struct ifinfomsg: family, type, index, flags, change. */
function linkHeader(index = 0): Buffer {
  const bytes = Buffer.alloc(16);
  bytes.writeInt32LE(index, 4);
  return bytes;
}

/** Asks for nothing; the kernel acknowledges it. */
export const echo = (sequence: number): Buffer => message(NLMSG_NOOP, NLM_F_ACK, sequence);

/** Asks for nothing, and is never answered. */
export const silence = (sequence: number): Buffer => message(NLMSG_NOOP, 0, sequence);

export const dumpLinks = (sequence: number): Buffer => message(RTM_GETLINK, NLM_F_DUMP, sequence, linkHeader());

export const getLink = (sequence: number, index: number): Buffer =>
  message(RTM_GETLINK, NLM_F_ACK, sequence, linkHeader(index));

/** A bridge: a link of its own, which needs no other. */
export function addBridge(sequence: number, name: string): Buffer {
  const info = attribute(IFLA_LINKINFO, attribute(IFLA_INFO_KIND, text("bridge")));
  const body = Buffer.concat([linkHeader(), attribute(IFLA_IFNAME, text(name)), info]);
  return message(RTM_NEWLINK, NLM_F_ACK | NLM_F_CREATE_EXCL, sequence, body);
}

export function deleteLink(sequence: number, name: string): Buffer {
  const body = Buffer.concat([linkHeader(), attribute(IFLA_IFNAME, text(name))]);
  return message(RTM_DELLINK, NLM_F_ACK, sequence, body);
}

export function addAlternativeNames(sequence: number, index: number, names: readonly string[]): Buffer {
  const list = Buffer.concat(names.map((name) => attribute(IFLA_ALT_IFNAME, text(name))));
  const body = Buffer.concat([linkHeader(index), attribute(IFLA_PROP_LIST, list)]);
  return message(RTM_NEWLINKPROP, NLM_F_ACK | NLM_F_CREATE_EXCL | NLM_F_APPEND, sequence, body);
}

export function messagesOf(datagrams: readonly Buffer[]): Message[] {
  return datagrams.flatMap((datagram) => {
    const messages: Message[] = [];
    for (let at = 0; at + 16 <= datagram.length; at += (datagram.readUInt32LE(at) + 3) & ~3) {
      const length = datagram.readUInt32LE(at);
      messages.push({
        type: datagram.readUInt16LE(at + 4),
        flags: datagram.readUInt16LE(at + 6),
        sequence: datagram.readUInt32LE(at + 8),
        port: datagram.readUInt32LE(at + 12),
        body: datagram.subarray(at + 16, at + length),
      });
    }
    return messages;
  });
}

/** The errno of an NLMSG_ERROR message, 0 for an acknowledgement. */
export const errnoOf = (message: Message): number => 0 - message.body.readInt32LE(0);

export const typesOf = (datagrams: readonly Buffer[]): number[] => messagesOf(datagrams).map(({ type }) => type);

export const sequencesOf = (datagrams: readonly Buffer[]): number[] =>
  messagesOf(datagrams).map(({ sequence }) => sequence);

/** A socket of rtnetlink's with generous bounds. */
function openSocket(options: Partial<NetlinkSocketOptions>): Promise<NativeNetlinkSocket> {
  return native().openNetlink({
    protocol: NETLINK_ROUTE,
    namespace: null,
    receiveBufferBytes: 1 << 20,
    maxBatchBytes: 1 << 20,
    maxQueued: 4096,
    strictChecking: false,
    ...options,
  });
}

/** Runs `body` with a socket, which is closed however it ends. */
export async function withSocket<T>(
  options: Partial<NetlinkSocketOptions>,
  body: (socket: NativeNetlinkSocket) => Promise<T>,
): Promise<T> {
  const socket = await openSocket(options);
  try {
    return await body(socket);
  } finally {
    socket.close();
  }
}

/** A socket for each test of the suite, where the namespace is. */
export function useSocket(namespace: () => NativeNamespace): () => NativeNetlinkSocket {
  let socket: NativeNetlinkSocket | undefined;
  beforeEach(async () => {
    socket = await openSocket({ namespace: namespace() });
  });
  afterEach(() => socket?.close());
  return () => socket!;
}

/** What a promise was rejected with; it fails when it was not. */
export async function rejection(promise: Promise<unknown>): Promise<NativeError> {
  const settled = await promise.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
  if ("error" in settled) return settled.error as NativeError;
  throw new Error(`this was expected to fail, and gave ${String(settled.value)}`);
}

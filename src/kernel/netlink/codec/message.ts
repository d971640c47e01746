/** Messages: the header that every netlink message has, batches of them, and what the kernel answers. */
import { FairleadError } from "../../../errors/catalogue.ts";
import { attr, attributes } from "./attributes.ts";
import { cstring, s32, u32, type Codec } from "./codec.ts";
import { DecodeFailure, Reader } from "./reader.ts";
import { EncodeFailure, Writer } from "./writer.ts";

/** NLM_F_* (include/uapi/linux/netlink.h). Numbers above 0xff depend on the kind of request. */
export const flag = {
  request: 0x01,
  multi: 0x02,
  ack: 0x04,
  echo: 0x08,
  /** Set in the answers of a dump that changed while it was read. */
  dumpInterrupted: 0x10,
  /** NLM_F_ROOT | NLM_F_MATCH */
  dump: 0x300,
  replace: 0x100,
  exclusive: 0x200,
  create: 0x400,
  append: 0x800,
  nonRecursive: 0x100,
  /** In an error: the request is not repeated in full. */
  capped: 0x100,
  /** In an error: attributes follow. */
  ackAttributes: 0x200,
} as const;

export const messageType = { noop: 1, error: 2, done: 3, overrun: 4 } as const;

const headerBytes = 16;

/** A message in a datagram; `start` and `end` bound its payload. */
export interface ReceivedMessage {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  readonly portId: number;
  readonly datagram: Uint8Array;
  readonly start: number;
  readonly end: number;
}

/** One message to send. */
export interface Request<T> {
  /** nlmsg_type */
  readonly type: number;
  /** NLM_F_*; request is added. */
  readonly flags: number;
  readonly codec: Codec<T>;
  readonly body: T;
}

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- a batch holds requests of any body
export type AnyRequest = Request<any>;

/**
 * Messages back to back, as one sendmsg(2) takes them. The first has sequence number
 * `firstSequence`, each next one more, so that an answer is matched by its sequence number.
 *
 * @throws FairleadError NETLINK_ENCODE with the path of the field that does not fit
 */
export function encodeBatch(requests: Iterable<AnyRequest>, firstSequence: number, writer = new Writer()): Buffer {
  let sequence = firstSequence;
  for (const request of requests) {
    encodeMessage(writer, request, sequence);
    sequence = (sequence + 1) >>> 0;
  }
  return writer.view();
}

function encodeMessage(w: Writer, request: AnyRequest, sequence: number): void {
  const start = w.length;
  w.u32(0);
  w.u16(request.type);
  w.u16(request.flags | flag.request);
  w.u32(sequence);
  w.u32(0);
  try {
    request.codec.write(w, request.body);
  } catch (error) {
    throw error instanceof EncodeFailure ? error.toError() : error;
  }
  w.patch32(start, w.length - start);
  w.align();
}

/**
 * The messages of a datagram.
 *
 * @throws FairleadError NETLINK_DECODE when a header's length does not fit the datagram
 */
export function splitDatagram(datagram: Uint8Array): ReceivedMessage[] {
  const messages: ReceivedMessage[] = [];
  const r = new Reader(datagram);
  while (r.remaining >= headerBytes) {
    const from = r.position;
    const length = r.u32();
    const type = r.u16();
    const flags = r.u16();
    const sequence = r.u32();
    const portId = r.u32();
    if (length < headerBytes || from + length > r.end) {
      throw new FairleadError("NETLINK_DECODE", {
        subject: "nlmsg_len",
        reason: `message ${type} says ${length} bytes where ${r.end - from} are left`,
      });
    }
    messages.push({ type, flags, sequence, portId, datagram, start: from + headerBytes, end: from + length });
    r.position = from + length;
    r.align();
  }
  return messages;
}

/** Decodes a message's payload. @throws FairleadError NETLINK_DECODE with the path of the field */
export function decodeBody<T>(codec: Codec<T>, message: ReceivedMessage): T {
  // The payload is read from its own start: alignment counts from there (headers are 16 bytes).
  const r = new Reader(message.datagram.subarray(message.start, message.end));
  try {
    return codec.read(r);
  } catch (error) {
    throw error instanceof DecodeFailure ? error.toError() : error;
  }
}

/** What NLMSG_ERROR or NLMSG_DONE says. */
export interface Outcome {
  /** Positive errno; 0 is success (an acknowledgement). */
  readonly errno: number;
  /** The kernel's own words (NLMSGERR_ATTR_MSG). */
  readonly message?: string;
  /** Offset in the request of the attribute that was refused, in bytes. */
  readonly offset?: number;
  /** Number of the attribute that is missing. */
  readonly missingType?: number;
  /** The request's payload as the kernel sent it back, unless capped: ipset writes into it which element failed. */
  readonly request?: Uint8Array;
}

const errorAttributes = attributes({
  message: attr(1, cstring()),
  offset: attr(2, u32),
  missingType: attr(5, u32),
});

/** Reads an acknowledgement, an error or the end of a dump, with its extended acknowledgement. */
export function decodeOutcome(message: ReceivedMessage): Outcome {
  const r = new Reader(message.datagram.subarray(message.start, message.end));
  try {
    // The end of a dump may come without a status (older kernels).
    const status = r.remaining >= 4 ? s32.read(r) : 0;
    const request = message.type === messageType.error ? readRequest(r, message.flags) : undefined;
    const detail = message.flags & flag.ackAttributes ? errorAttributes.read(r) : {};
    return { errno: Math.abs(Math.min(status, 0)), ...detail, ...(request && { request }) };
  } catch (error) {
    throw error instanceof DecodeFailure ? error.toError() : error;
  }
}

/** Behind the status of an error stands the request's header, and the request itself unless it is capped. */
function readRequest(r: Reader, flags: number): Uint8Array | undefined {
  const length = r.u32();
  r.skip(headerBytes - 4);
  if ((flags & flag.capped) !== 0 || length <= headerBytes) return undefined;
  const request = r.bytes(Math.min(length - headerBytes, r.remaining));
  r.align();
  return request;
}

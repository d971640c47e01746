/** Another server's answer → what is kept of it; resolv.conf → servers. */
import { parseIp } from "../../model/address.ts";
import { decodeQuestion, decodeRecord } from "../wire/decode.ts";
import { flagBits, headerBytes, types } from "../wire/numbers.ts";
import type { Query } from "../wire/decode.ts";
import type { Body } from "../wire/render.ts";

export interface UpstreamAnswer {
  readonly body: Body;
  /** Where the TTLs are in the body's records. */
  readonly ttlPlaces: readonly number[];
  /** How long it holds, in seconds; 0: it is not to be kept. */
  readonly ttl: number;
  readonly isTruncated: boolean;
}

/** @returns undefined for what is no answer to this question: somebody else may have sent it */
export function decodeAnswer(bytes: Buffer, id: number, query: Query): UpstreamAnswer | undefined {
  if (bytes.length < headerBytes || bytes.readUInt16BE(0) !== id) return undefined;
  const flags = bytes.readUInt16BE(2);
  if (!(flags & flagBits.QR) || bytes.readUInt16BE(4) !== 1) return undefined;
  const asked = decodeQuestion(bytes);
  if (asked?.name !== query.name || asked.type !== query.type || asked.class !== query.class) return undefined;
  return decodeRecords(bytes, headerBytes + asked.question.length, flags);
}

function decodeRecords(bytes: Buffer, from: number, flags: number): UpstreamAnswer | undefined {
  const inHeader = [bytes.readUInt16BE(6), bytes.readUInt16BE(8), bytes.readUInt16BE(10)] as const;
  const counts: [number, number, number] = [0, 0, 0];
  const ends: number[] = [];
  const ttlPlaces: number[] = [];
  let rcode = flags & 15;
  let ttl = Infinity;
  let negativeTtl = 0;
  let at = from;
  for (let section = 0; section < 3; section++) {
    for (let i = 0; i < inHeader[section]!; i++) {
      const record = decodeRecord(bytes, at);
      if (!record) return undefined;
      if (record.type === types.OPT) {
        rcode |= bytes[record.fields + 4]! << 4;
        // It is of this hop alone. What follows it is additional, and not missed.
        section = 3;
        break;
      }
      if (record.type === types.SOA && section === 1 && record.end - record.fields >= 30) {
        negativeTtl = Math.min(record.ttl, bytes.readUInt32BE(record.end - 4));
      }
      ttl = Math.min(ttl, record.ttl);
      counts[section]!++;
      ends.push(record.end - from);
      ttlPlaces.push(record.fields + 4 - from);
      at = record.end;
    }
  }
  // NODATA and NXDOMAIN hold as long as the SOA says, and without one they are not kept (RFC 2308, 5).
  const isNegative = rcode === 3 || (rcode === 0 && counts[0] === 0);
  const holds = isNegative ? negativeTtl : rcode === 0 ? ttl : 0;
  const records = Buffer.from(bytes.subarray(from, at));
  return {
    body: { rcode, authoritative: false, records, ends, counts },
    ttlPlaces,
    ttl: Number.isFinite(holds) ? holds : 0,
    isTruncated: (flags & flagBits.TC) !== 0,
  };
}

export interface UpstreamAddress {
  readonly host: string;
  readonly port: number;
}

/** "1.2.3.4", "1.2.3.4:5353", "[::1]:5353", "::1"; undefined for anything else. */
export function decodeAddress(text: string): UpstreamAddress | undefined {
  const bare = parseIp(text);
  if (bare !== undefined) return { host: bare, port: 53 };
  const match = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d{1,5}))?$/.exec(text);
  const host = parseIp(match?.[1] ?? match?.[2] ?? "");
  const port = Number(match?.[3] ?? 53);
  return host === undefined || port < 1 || port > 65_535 ? undefined : { host, port };
}

/** Servers of a resolv.conf; what it cannot name by address is left out. */
export function decodeResolvConf(text: string): readonly UpstreamAddress[] {
  return text.split("\n").flatMap((line) => {
    const server = /^\s*nameserver\s+(\S+)/.exec(line)?.[1];
    return (server === undefined ? undefined : decodeAddress(server)) ?? [];
  });
}

/**
 * Answers as bytes. What follows the question is made once: it names the question by a pointer (RFC 1035, 4.1.4), so that
 * it holds for every client, in whatever case that asks.
 */
import dnsPacket, { type Answer } from "dns-packet";
import { flagBits, headerBytes, optBytes, plainUdpBytes, ednsUdpBytes, maxMessageBytes, rcodes } from "./numbers.ts";
import type { Malformed, Query } from "./decode.ts";

export interface Sections {
  readonly answers?: readonly Answer[];
  readonly authority?: readonly Answer[];
  readonly additional?: readonly Answer[];
}

/** All of an answer but the asker's: header's identity, question, OPT. */
export interface Body {
  readonly rcode: number;
  readonly authoritative: boolean;
  readonly records: Buffer;
  /** Where each record ends in them: what is too long is cut there. */
  readonly ends: readonly number[];
  /** Records of answer, authority and additional section. */
  readonly counts: readonly [number, number, number];
  /** Bytes of each answer, where all have as many and their order means nothing: they take turns at the front. */
  readonly turn?: number;
}

export function emptyBody(rcode: number, authoritative = false): Body {
  return { rcode, authoritative, records: Buffer.alloc(0), ends: [], counts: [0, 0, 0] };
}

/** @param question its name, and the bytes that its name has on the wire */
export function renderBody(
  question: { readonly name: string; readonly nameBytes: number },
  rcode: number,
  { answers = [], authority = [], additional = [] }: Sections,
): Body {
  const places = new Map<string, number>();
  const parts: Buffer[] = [];
  const ends: number[] = [];
  let length = 0;
  const base = headerBytes + question.nameBytes + 4;
  for (const record of [...answers, ...authority, ...additional]) {
    const owner = ownerOf(record.name, question, places);
    const rest = withoutOwner(record);
    // The target of an SRV is behind priority, weight and port; later records are of it.
    if (record.type === "SRV") places.set(record.data.target, base + length + owner.length + 10 + 6);
    parts.push(owner, rest);
    length += owner.length + rest.length;
    ends.push(length);
  }
  const counts = [answers.length, authority.length, additional.length] as const;
  const isTaken = answers.length > 1 && answers.every(({ type }) => type === "A" || type === "AAAA");
  const isEven = isTaken && ends.slice(0, answers.length).every((end, i) => end === (i + 1) * ends[0]!);
  const body = { rcode, authoritative: true, records: Buffer.concat(parts), ends, counts };
  return isEven ? { ...body, turn: ends[0]! } : body;
}

/** A pointer goes 14 bits far. */
const furthest = 0x3fff;

function ownerOf(
  name: string,
  question: { readonly name: string; readonly nameBytes: number },
  places: ReadonlyMap<string, number>,
): Buffer {
  const isWithin = question.name === name || (name !== "" && question.name.endsWith(`.${name}`));
  const at = isWithin ? headerBytes + question.nameBytes - name.length - 2 : places.get(name);
  return at === undefined || at > furthest ? encodedName(name) : Buffer.of(0xc0 | (at >> 8), at & 255);
}

/** Type, class, TTL and data, as dns-packet encodes them behind the root's name, which is one byte. */
function withoutOwner(record: Answer): Buffer {
  const message = dnsPacket.encode({ type: "response", answers: [{ ...record, name: "." }] });
  return message.subarray(headerBytes + 1);
}

function encodedName(name: string): Buffer {
  const message = dnsPacket.encode({ type: "query", questions: [{ type: "A", name }] });
  return message.subarray(headerBytes, message.length - 4);
}

/** @param turn which of the answers is first, where they take turns */
export function renderResponse(query: Query, body: Body, limit: number, turn = 0): Buffer {
  const { question, edns } = query;
  const room = limit - headerBytes - question.length - (edns ? optBytes : 0);
  const fits = body.records.length <= room ? body.ends.length : body.ends.findLastIndex((end) => end <= room) + 1;
  const bytes = fits === 0 ? 0 : body.ends[fits - 1]!;
  const out = Buffer.allocUnsafe(headerBytes + question.length + bytes + (edns ? optBytes : 0));
  const [answers, authority, additional] = countsOf(body.counts, fits);
  // What is left out of the additional section alone is not missed (RFC 2181, 9).
  const isCut = answers < body.counts[0] || authority < body.counts[1];
  const flags = (body.authoritative ? flagBits.AA : 0) | (isCut ? flagBits.TC : 0);
  writeHeader(out, query, flags | (body.rcode & 15), [1, answers, authority, additional + (edns ? 1 : 0)]);
  question.copy(out, headerBytes);
  const at = headerBytes + question.length;
  const from = body.turn === undefined ? 0 : (turn % body.counts[0]) * body.turn;
  if (from === 0) body.records.copy(out, at, 0, bytes);
  else copyTurned(body, from, out, at, bytes);
  if (edns) writeOpt(out, at + bytes, body.rcode, edns.wantsDnssec);
  return out;
}

/** Only answers follow one another in turn; as many of them are taken as fit. */
function copyTurned({ records, counts, turn }: Body, from: number, out: Buffer, at: number, bytes: number): void {
  const all = counts[0] * turn!;
  const fit = Math.min(bytes, all);
  const first = Math.min(fit, all - from);
  records.copy(out, at, from, from + first);
  records.copy(out, at + first, 0, fit - first);
  if (bytes > all) records.copy(out, at + all, all, bytes);
}

function countsOf([answers, authority, additional]: Body["counts"], fits: number): [number, number, number] {
  const inAnswers = Math.min(answers, fits);
  const inAuthority = Math.min(authority, fits - inAnswers);
  return [inAnswers, inAuthority, Math.min(additional, fits - inAnswers - inAuthority)];
}

function writeHeader(
  out: Buffer,
  { id, flags }: Pick<Query, "id" | "flags">,
  more: number,
  counts: readonly number[],
): void {
  out.writeUInt16BE(id, 0);
  const kept = flags & (0x7800 | flagBits.RD | flagBits.CD);
  out.writeUInt16BE(flagBits.QR | flagBits.RA | kept | more, 2);
  for (const [i, count] of counts.entries()) out.writeUInt16BE(count, 4 + 2 * i);
}

function writeOpt(out: Buffer, at: number, rcode: number, wantsDnssec: boolean): void {
  out.fill(0, at, at + optBytes);
  out[at + 2] = 41;
  out.writeUInt16BE(ednsUdpBytes, at + 3);
  out[at + 5] = rcode >> 4;
  out[at + 7] = wantsDnssec ? 0x80 : 0;
}

/** To what cannot be understood: its header comes back, and nothing of the rest. */
export function renderFormErr(malformed: Malformed): Buffer {
  const out = Buffer.alloc(headerBytes);
  writeHeader(out, malformed, rcodes.FORMERR, [0, 0, 0, 0]);
  return out;
}

/** What the client can take. */
export function limitOf({ edns }: Query, protocol: "udp" | "tcp"): number {
  if (protocol === "tcp") return maxMessageBytes;
  return edns ? Math.min(edns.size, ednsUdpBytes) : plainUdpBytes;
}

/** A question for another server, with an OPT of our own. */
export function renderUpstreamQuery(query: Query, id: number): Buffer {
  const { question, edns } = query;
  const out = Buffer.alloc(headerBytes + question.length + optBytes);
  out.writeUInt16BE(id, 0);
  out.writeUInt16BE(flagBits.RD | (query.flags & flagBits.CD), 2);
  out.writeUInt16BE(1, 4);
  out.writeUInt16BE(1, 10);
  question.copy(out, headerBytes);
  writeOpt(out, headerBytes + question.length, 0, edns?.wantsDnssec ?? false);
  return out;
}

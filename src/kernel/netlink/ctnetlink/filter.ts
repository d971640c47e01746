/** Which conntrack entries are meant: decided here, with the kernel's help where its help can be trusted. */
import { FairleadError } from "../../../errors/catalogue.ts";
import { compact } from "../codec/compact.ts";
import type { IpProtocol } from "../nfnetlink.ts";
import type { ConntrackMessage, ConntrackStatus, FilterFlags } from "./attributes.ts";
import {
  familyOfAddress,
  tupleAttributesOf,
  type ConntrackEntry,
  type ConntrackFamily,
  type ConntrackTuple,
} from "./entry.ts";
import type { IpAddress } from "../../../model/address.ts";

/** Fields that a tuple must have, each exactly. */
export interface TuplePattern {
  readonly source?: IpAddress;
  readonly destination?: IpAddress;
  readonly protocol?: IpProtocol;
  readonly sourcePort?: number;
  readonly destinationPort?: number;
}

/** An entry is meant when it has all that is named here; `{}` means every entry. */
export interface ConntrackFilter {
  readonly family?: ConntrackFamily;
  readonly original?: TuplePattern;
  readonly reply?: TuplePattern;
  /** `mark & mask` equals `value`; the default mask is all 32 bits. */
  readonly mark?: { readonly value: number; readonly mask?: number };
  /** All of `set` are set and none of `unset`. */
  readonly status?: { readonly set?: ConntrackStatus; readonly unset?: ConntrackStatus };
  readonly zone?: number;
}

export function matches(filter: ConntrackFilter, entry: ConntrackEntry): boolean {
  return (
    (filter.family === undefined || filter.family === entry.family) &&
    (filter.zone === undefined || filter.zone === entry.zone) &&
    tupleMatches(filter.original, entry.original) &&
    tupleMatches(filter.reply, entry.reply) &&
    markMatches(filter.mark, entry.mark) &&
    statusMatches(filter.status, entry.status ?? [])
  );
}

function tupleMatches(pattern: TuplePattern | undefined, tuple: ConntrackTuple): boolean {
  if (!pattern) return true;
  for (const field of patternFields) {
    if (pattern[field] !== undefined && pattern[field] !== tuple[field]) return false;
  }
  return true;
}

const patternFields = ["source", "destination", "protocol", "sourcePort", "destinationPort"] as const;

function markMatches(filter: ConntrackFilter["mark"], mark: number): boolean {
  return !filter || (mark & (filter.mask ?? 0xffffffff)) >>> 0 === filter.value;
}

function statusMatches(filter: ConntrackFilter["status"], status: ConntrackStatus): boolean {
  const has = (name: ConntrackStatus[number]): boolean => status.includes(name);
  return !filter || ((filter.set ?? []).every(has) && !(filter.unset ?? []).some(has));
}

/** Whether the filter names nothing, so that it means every entry of the namespace. */
export function isEverything(filter: ConntrackFilter): boolean {
  const { original, reply, status, ...rest } = filter;
  const named = (part: object | undefined): boolean =>
    Object.values(part ?? {}).some((value) => value !== undefined && !(Array.isArray(value) && value.length === 0));
  return !named(rest) && !named(original) && !named(reply) && !named(status);
}

/** Refuses to remove everything. @throws FairleadError KERNEL_ARGUMENT */
export function checkRemoval(filters: readonly ConntrackFilter[]): void {
  if (!filters.some(isEverything)) return;
  throw new FairleadError("KERNEL_ARGUMENT", {
    subject: "delete conntrack entries",
    reason: "a filter that names nothing means every connection of the node",
  });
}

/**
 * The part of the filter that the kernel can decide, as attributes of a dump: less to read, never
 * fewer entries than {@link matches} accepts. Every entry that comes back is checked with `matches`,
 * because kernels before 5.8 ignore CTA_FILTER, before 6.8 CTA_ZONE, and all of them SCTP's ports.
 */
export function kernelFilter(filter: ConntrackFilter): Partial<ConntrackMessage> {
  const family = filter.family ?? familyOfPatterns(filter);
  return compact<Partial<ConntrackMessage>>({
    family,
    zone: filter.zone,
    mark: filter.mark?.value,
    markMask: filter.mark && (filter.mark.mask ?? 0xffffffff),
    ...statusFilter(filter.status),
    ...tupleFilter(filter, family),
  });
}

/** The kernel takes parts of tuples only together with their family (ctnetlink_parse_tuple_filter). */
function tupleFilter(filter: ConntrackFilter, family: ConntrackFamily | undefined): Partial<ConntrackMessage> {
  if (family === undefined) return {};
  const original = trusted(filter.original, family);
  const reply = trusted(filter.reply, family);
  const originalFlags = flagsOf(original);
  const replyFlags = flagsOf(reply);
  if (originalFlags.length === 0 && replyFlags.length === 0) return {};
  return {
    ...(originalFlags.length > 0 && { original: tupleAttributesOf(original) }),
    ...(replyFlags.length > 0 && { reply: tupleAttributesOf(reply) }),
    filter: { originalFlags, replyFlags },
  };
}

/**
 * What of a pattern the kernel decides as it should. Not IPv6 addresses: in kernels from 5.8 to at
 * least 6.18 ctnetlink_filter_match_tuple drops the entries that have the address and keeps the others; only
 * some stable ones have it mended (6.12.117). Ports need a protocol beside them.
 */
function trusted(pattern: TuplePattern | undefined, family: ConntrackFamily): TuplePattern {
  if (!pattern) return {};
  const { source, destination, protocol, sourcePort, destinationPort } = pattern;
  const addresses = family === "ip" ? { source, destination } : {};
  const ports = protocol === "tcp" || protocol === "udp" ? { sourcePort, destinationPort } : {};
  return compact<TuplePattern>({ ...addresses, protocol, ...ports });
}

function flagsOf(pattern: TuplePattern): FilterFlags {
  return patternFields.filter((field) => pattern[field] !== undefined);
}

/**
 * Refuses a filter of which the kernel leaves something to us: see {@link trusted}, and the zone, which
 * kernels before 6.8 do not look at.
 *
 * @throws FairleadError KERNEL_ARGUMENT
 */
export function checkDecidable(filter: ConntrackFilter): void {
  const family = filter.family ?? familyOfPatterns(filter);
  const isWhole = (pattern: TuplePattern = {}): boolean =>
    family === undefined
      ? flagsOf(pattern).length === 0
      : flagsOf(trusted(pattern, family)).length === flagsOf(pattern).length;
  if (filter.zone === undefined && isWhole(filter.original) && isWhole(filter.reply)) return;
  throw new FairleadError("KERNEL_ARGUMENT", {
    subject: "flush conntrack entries",
    reason: "the kernel cannot decide all of the filter: list, and delete one by one",
  });
}

/** CTA_STATUS is compared under CTA_STATUS_MASK; the kernel refuses a mask of no bits. */
function statusFilter(status: ConntrackFilter["status"]): Partial<ConntrackMessage> {
  const set = status?.set ?? [];
  const statusMask = [...new Set([...set, ...(status?.unset ?? [])])];
  return statusMask.length === 0 ? {} : { status: set, statusMask };
}

function familyOfPatterns({ original, reply }: ConntrackFilter): ConntrackFamily | undefined {
  const address = original?.source ?? original?.destination ?? reply?.source ?? reply?.destination;
  return address === undefined ? undefined : familyOfAddress(address);
}

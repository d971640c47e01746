/**
 * nft's data types: which number it gives a key's type, so that `nft list` can print it. The kernel
 * stores the number without reading it (nftables, include/datatype.h).
 */
import type { NftSet } from "./state.ts";
import { padded, verdictType } from "./data.ts";

const datatypes = {
  nf_proto: { number: 2, bytes: 1, order: "host" },
  integer: { number: 4, bytes: 4, order: "host" },
  ipv4_addr: { number: 7, bytes: 4, order: "big" },
  ipv6_addr: { number: 8, bytes: 16, order: "big" },
  ether_addr: { number: 9, bytes: 6, order: "big" },
  inet_proto: { number: 12, bytes: 1, order: "big" },
  inet_service: { number: 13, bytes: 2, order: "big" },
  mark: { number: 19, bytes: 4, order: "host" },
  iface_index: { number: 20, bytes: 4, order: "host" },
  ct_state: { number: 26, bytes: 4, order: "host" },
  ifname: { number: 41, bytes: 16, order: "host" },
} as const;
export type Datatype = keyof typeof datatypes;

/** Each part of a concatenation takes six bits of the number (nftables, TYPE_BITS). */
const typeBits = 6;

/** What {@link setOf} makes of a key and its data. */
export type SetLayout = Pick<
  NftSet,
  "keyType" | "keyLen" | "dataType" | "dataLen" | "fieldLens" | "flags" | "userdata"
>;

/**
 * Types, lengths and nft's userdata of a set, or of a map where `data` is given.
 *
 * @param options.interval keys are ranges: the kernel then needs the length of each part
 */
export function setOf(
  key: readonly Datatype[],
  data?: readonly Datatype[] | "verdict",
  options: { readonly interval?: boolean } = {},
): SetLayout {
  const layout = { keyType: typeNumber(key), keyLen: length(key), ...dataOf(data) };
  const concatenated = options.interval === true && key.length > 1;
  const orders = {
    keyByteOrder: byteOrder(key),
    ...(data === undefined || data === "verdict" ? {} : { dataByteOrder: byteOrder(data) }),
  };
  return {
    ...layout,
    flags: [
      ...(options.interval ? (["interval"] as const) : []),
      ...(data === undefined ? [] : (["map"] as const)),
      ...(concatenated ? (["concat"] as const) : []),
    ],
    ...(concatenated ? { fieldLens: key.map((one) => datatypes[one].bytes) } : {}),
    userdata: orders,
  };
}

function dataOf(data: readonly Datatype[] | "verdict" | undefined): Pick<NftSet, "dataType" | "dataLen"> {
  if (data === undefined) return {};
  // sizeof(struct nft_verdict): the kernel says so whatever it is told.
  if (data === "verdict") return { dataType: verdictType, dataLen: 16 };
  return { dataType: typeNumber(data), dataLen: length(data) };
}

function typeNumber(types: readonly Datatype[]): number {
  return types.reduce((number, one) => ((number << typeBits) | datatypes[one].number) >>> 0, 0);
}

function length(types: readonly Datatype[]): number {
  const [only] = types;
  if (types.length === 1) return datatypes[only!].bytes;
  return types.reduce((sum, one) => sum + padded(datatypes[one].bytes), 0);
}

/** nft gives a concatenation no byte order: its parts have their own. */
function byteOrder(types: readonly Datatype[]): "host" | "big" | "invalid" {
  return types.length === 1 ? datatypes[types[0]!].order : "invalid";
}

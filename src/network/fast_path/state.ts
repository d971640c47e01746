/** What the pod fast path knows of links, as native/bpf/pod_fast_path.h has it. Pure. */
import { ipBytes, macBytes, type IpAddress, type MacAddress } from "../../model/address.ts";

/** Of the program of native/bpf, and of its maps. */
export const names = {
  object: "pod_fast_path",
  program: "fl_pod_fast",
  links: "fl_pod_links",
  counts: "fl_pod_counts",
} as const;

/** A link whose packets may leave the stack's way, and to which they may. */
export interface FastLink {
  /** Of a pod: from these addresses it may send; of a tunnel: undefined. */
  readonly pod:
    | { readonly mac: MacAddress; readonly IPv4: IpAddress | undefined; readonly IPv6: IpAddress | undefined }
    | undefined;
  /** Whether nothing waits on the node's end, so that a packet may go straight into the pod's namespace. */
  readonly isPeer: boolean;
}

const flag = { peer: 2, tunnel: 4 } as const;
const valueBytes = 32;
const at = { flags: 0, IPv4: 4, IPv6: 8, mac: 24 } as const;

export const keyBytes = 4;

export function encodeKey(index: number): Buffer {
  const key = Buffer.alloc(keyBytes);
  key.writeUInt32LE(index);
  return key;
}

export function decodeKey(key: Uint8Array): number {
  return Buffer.from(key).readUInt32LE();
}

export function encodeLink({ pod, isPeer }: FastLink): Buffer {
  const value = Buffer.alloc(valueBytes);
  value.writeUInt32LE((isPeer ? flag.peer : 0) | (pod ? 0 : flag.tunnel), at.flags);
  for (const family of ["IPv4", "IPv6"] as const) {
    const address = pod?.[family];
    if (address !== undefined) value.set(ipBytes(address)!, at[family]);
  }
  if (pod) value.set(macBytes(pod.mac)!, at.mac);
  return value;
}

/** The sum over the processors, of a value of a per-CPU map. */
export function sumOfCounts(value: Uint8Array): number {
  const counts = Buffer.from(value);
  let sum = 0n;
  for (let offset = 0; offset + 8 <= counts.length; offset += 8) sum += counts.readBigUInt64LE(offset);
  return Number(sum);
}

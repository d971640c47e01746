import { ipBytes, ipText, type IpAddress } from "../../../model/address.ts";

/** The address with all bits behind the prefix cleared. */
export function maskedTo(address: IpAddress, prefixLength: number): IpAddress {
  const bytes = ipBytes(address)!;
  return ipText(bytes.map((byte, at) => byte & (0xff00 >> Math.min(8, Math.max(0, prefixLength - at * 8)))))!;
}

/** Whether the network holds the address; an absent network is the default route's. */
export function covers(network: IpAddress | undefined, prefixLength: number, address: IpAddress): boolean {
  if (network === undefined) return true;
  return network.includes(":") === address.includes(":") && maskedTo(address, prefixLength) === network;
}

/** Orders addresses as numbers; the absent one is first. */
export function compareAddresses(a: IpAddress | undefined, b: IpAddress | undefined): number {
  return Buffer.compare(a ? ipBytes(a)! : Buffer.alloc(0), b ? ipBytes(b)! : Buffer.alloc(0));
}

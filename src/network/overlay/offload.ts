/**
 * Checksums of what goes through a tunnel. VXLAN devices leave transport checksums to what is below, and below them
 * they have been spoiled: by Linux before 5.7, which put a checksum into UDP that had none when it translated it
 * (flannel-io/flannel#1279), and by drivers that claim to know VXLAN and do not. Without the offload the kernel
 * computes them before the packet is wrapped.
 */
import { getFeatures, ethtoolFamily, isActive, setFeature } from "../../kernel/netlink/ethtool.ts";
import type { GenericNetlinkPort } from "../../kernel/ports.ts";

/** NETIF_F_HW_CSUM */
const txChecksum = "tx-checksum-ip-generic";
const repairedIn = [5, 7] as const;

/** What a kernel needs: undefined, nothing; false, the offload is to be off. @param release of the kernel, "6.1.0-13" */
export function offloadFor(release: string): false | undefined {
  const [major = 0, minor = 0] = release.split(/[.-]/).map(Number);
  const [since, sinceMinor] = repairedIn;
  return major < since || (major === since && minor < sinceMinor) ? false : undefined;
}

/** A kernel without the family (before 5.6) is left as it is. @throws FairleadError NETLINK_REFUSED */
export async function setTxChecksum(port: GenericNetlinkPort, index: number, isOn: boolean): Promise<void> {
  const family = await port.family(ethtoolFamily);
  if (!family) return;
  const [now] = await port.request(family, getFeatures(index), `read the features of link ${index}`);
  if (now && isActive(now, txChecksum) === isOn) return;
  await port.request(family, setFeature(index, txChecksum, isOn), `set ${txChecksum} of link ${index}`);
}

/** Features of links over generic netlink, family "ethtool" (include/uapi/linux/ethtool_netlink.h; since Linux 5.6). */
import { attr, attributes, list, nest } from "./codec/attributes.ts";
import { cstring, present, u32 } from "./codec/codec.ts";
import type { GenericCall } from "./genetlink.ts";
import type { ValueOf } from "./codec/codec.ts";

export const ethtoolFamily = "ethtool";

/** ETHTOOL_MSG_*, of requests. */
export const ethtoolCommand = { getFeatures: 11, setFeatures: 12 } as const;

/** ETHTOOL_A_BITSET_BIT_*: a bit by its name, set where `value` is there. */
const bit = attributes({ index: attr(1, u32), name: attr(2, cstring()), value: attr(3, present) });

/** ETHTOOL_A_BITSET_*: with `noMask` bits that are not named are cleared, else left as they are. */
const bitset = attributes({ noMask: attr(1, present), size: attr(2, u32), bits: nest(3, list(1, bit)) });

/** ETHTOOL_A_FEATURES_*, behind ETHTOOL_A_HEADER_* */
export const features = attributes({
  header: nest(1, attributes({ index: attr(1, u32), name: attr(2, cstring(15)), flags: attr(3, u32) })),
  hardware: nest(2, bitset),
  wanted: nest(3, bitset),
  active: nest(4, bitset),
  unchangeable: nest(5, bitset),
});
export type Features = ValueOf<typeof features>;

export function getFeatures(index: number): GenericCall<Features> {
  return { command: ethtoolCommand.getFeatures, payload: features, body: { header: { index } } };
}

/** @param feature as ethtool -k calls it */
export function setFeature(index: number, feature: string, isOn: boolean): GenericCall<Features> {
  const bits = [{ name: feature, ...(isOn ? { value: true as const } : {}) }];
  return { command: ethtoolCommand.setFeatures, payload: features, body: { header: { index }, wanted: { bits } } };
}

export function isActive({ active }: Features, feature: string): boolean {
  return active?.bits?.some(({ name }) => name === feature) ?? false;
}

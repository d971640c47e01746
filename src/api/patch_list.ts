/**
 * A list that takes the place of the one that is there, in this order (strategic merge patch). Only a list that is there can
 * be replaced: in another the directive would stay as an empty item.
 */
export function replacement(items: readonly object[]): readonly object[] {
  return [...items, { $patch: "replace" }];
}

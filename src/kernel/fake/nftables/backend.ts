/** Which implementation the kernel takes for a set (nft_select_set_ops): they differ in what they can do. */
import type { SetBody } from "../../netlink/nftables/set.ts";
import type { FakeSet } from "./ruleset.ts";

/** rhash grows and takes elements from packets; hash has its size; rbtree has intervals, pipapo concatenated ones. */
export type Backend = "rhash" | "hash" | "rbtree" | "pipapo";

type Flag = Exclude<NonNullable<SetBody["flags"]>[number], `#${number}`>;

export function has(set: { readonly body: SetBody }, flag: Flag): boolean {
  return set.body.flags?.includes(flag) ?? false;
}

export function backendOf(body: SetBody): Backend {
  const set = { body };
  if (has(set, "interval")) return has(set, "concat") ? "pipapo" : "rbtree";
  const growing = has(set, "timeout") || has(set, "eval") || body.desc?.size === undefined;
  return growing ? "rhash" : "hash";
}

/** Whether rules can add and delete elements (ops->update). */
export function canUpdate(set: FakeSet): boolean {
  return backendOf(set.body) === "rhash";
}

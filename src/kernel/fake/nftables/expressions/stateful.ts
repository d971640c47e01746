/** net/netfilter/nft_counter.c, nft_quota.c, nft_limit.c, nft_connlimit.c, nft_last.c, nft_log.c, nft_compat.c */
import type { StatefulExpression } from "../../../netlink/nftables/expressions/stateful.ts";
import { checkFlags, checkNamed, errno, needed, Refusal, require } from "../refusal.ts";
import type { Checks } from "./context.ts";

/** What elements and named objects check as well. */
export function checkStateful(e: StatefulExpression): void {
  switch (e.expr) {
    case "quota":
      needed(e.bytes);
      return checkFlags(e.flags, errno.EINVAL);
    case "limit":
      require(needed(e.rate) > 0 && needed(e.unit) > 0, errno.EINVAL);
      return checkNamed(e.type, errno.EOPNOTSUPP);
    case "connlimit":
      needed(e.count);
      return checkFlags(e.flags, errno.EINVAL);
    case "counter":
    case "last":
      return;
    case "other":
      throw new Refusal(errno.ENOENT, `expression ${e.name} is unknown`);
  }
}

export const stateful: Checks<"counter" | "quota" | "limit" | "connlimit" | "last" | "log" | "match" | "target"> = {
  counter: checkStateful,
  quota: checkStateful,
  limit: checkStateful,
  connlimit: checkStateful,
  last: checkStateful,
  log(e) {
    checkNamed(e.level, errno.EINVAL);
    require(e.group === undefined || e.level === undefined, errno.EINVAL);
  },
  // xtables' extensions are another world: their names are taken on trust.
  match: (e) => void needed(e.name),
  target: (e) => void needed(e.name),
};

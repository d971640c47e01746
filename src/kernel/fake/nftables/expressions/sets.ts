/** net/netfilter/nft_lookup.c, nft_dynset.c, nft_objref.c */
import { verdictType } from "../../../netlink/nftables/data.ts";
import { canUpdate, has } from "../backend.ts";
import { checkFlags, checkNamed, errno, needed, require } from "../refusal.ts";
import type { FakeSet } from "../ruleset.ts";
import type { Checks, Of, RuleContext } from "./context.ts";
import { storeVerdict } from "./registers.ts";

export const sets: Checks<"lookup" | "dynset" | "objref"> = {
  lookup(e, context) {
    needed(e.sreg);
    const set = context.transaction.set(context.table, e.set, e.setId);
    context.registers.load(e.sreg, set.body.keyLen!);
    checkFlags(e.flags, errno.EINVAL);
    checkDestination(e, set, context);
    bind(set, context);
  },
  dynset(e, context) {
    const [op] = [needed(e.op), needed(e.sregKey)];
    checkFlags(e.flags, errno.EOPNOTSUPP);
    const set = context.transaction.set(context.table, e.setName, e.setId);
    require(!has(set, "object") && canUpdate(set), errno.EOPNOTSUPP);
    require(!has(set, "constant"), errno.EBUSY);
    checkNamed(op, errno.EOPNOTSUPP);
    require(!e.timeoutMs || has(set, "timeout"), errno.EOPNOTSUPP);
    context.registers.load(e.sregKey, set.body.keyLen!);
    checkData(e, set, context);
    require(!e.expressions || has(set, "eval"), errno.EINVAL);
    bound(set, context);
    bind(set, context);
  },
  objref(e, context) {
    const { transaction, table } = context;
    if (e.sreg === undefined) {
      context.objects.push(transaction.object(table, needed(e.type), needed(e.name)));
      return;
    }
    const set = transaction.set(table, e.setName, e.setId);
    require(has(set, "object"), errno.EINVAL);
    context.registers.load(e.sreg, set.body.keyLen!);
    bind(set, context);
  },
};

function checkDestination(e: Of<"lookup">, set: FakeSet, { registers }: RuleContext): void {
  const isVerdict = set.body.dataType === verdictType;
  if (e.dreg === undefined) return;
  require(!e.flags?.includes("inv") && has(set, "map"), errno.EINVAL);
  if (isVerdict) storeVerdict(e.dreg);
  else registers.store(e.dreg, set.body.dataLen!);
}

function checkData(e: Of<"dynset">, set: FakeSet, { registers }: RuleContext): void {
  if (e.sregData === undefined) return require(!has(set, "map"), errno.EINVAL);
  require(has(set, "map") && set.body.dataType !== verdictType, errno.EOPNOTSUPP);
  registers.load(e.sregData, set.body.dataLen!);
}

/** A set that packets fill has a size, be it the kernel's own choice. */
function bound(set: FakeSet, { transaction }: RuleContext): void {
  if (set.body.desc?.size !== undefined) return;
  transaction.journal.assign(set, "body", { ...set.body, desc: { ...set.body.desc, size: 0xffff } });
}

/** nf_tables_bind_set: an anonymous set belongs to one rule. */
function bind(set: FakeSet, { sets: bound }: RuleContext): void {
  require(!has(set, "anonymous") || (set.bindings === 0 && !bound.includes(set)), errno.EBUSY);
  bound.push(set);
}

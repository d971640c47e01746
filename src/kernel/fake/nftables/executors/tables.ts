/** Tables: nf_tables_newtable, nf_tables_deltable. */
import { omit } from "../../../netlink/nftables/fields.ts";
import type { NftFamily } from "../../../netlink/nftables/state.ts";
import { checkFlags, checkName, checkUserdata, errno, found, needed, require } from "../refusal.ts";
import { tableKey } from "../ruleset.ts";
import type { Body, Executor } from "./executor.ts";

export const newTable: Executor<"table"> = (body, flags, transaction) => {
  const name = needed(body.name, "the name");
  checkName(name);
  checkUserdata(body.userdata);
  const { kernel, journal } = transaction;
  const key = tableKey(body.family, name);
  const there = kernel.ruleset.get(key);
  require(!there || !flags.exclusive, errno.EEXIST, `table ${name} exists`);
  require(!there || !flags.replace, errno.EOPNOTSUPP);
  checkFlags(body.flags, errno.EOPNOTSUPP);
  // A comment stays what it was when the table was made.
  if (there) return journal.assign(there, "body", withFlags(there.body, body.flags));
  journal.put(kernel.ruleset, key, {
    family: body.family as NftFamily,
    body: withFlags({ ...omit(body, "family", "version", "resourceId"), handle: ++kernel.lastTableHandle }, body.flags),
    lastHandle: 0,
    chains: new Map(),
    sets: new Map(),
    objects: new Map(),
    flowtables: new Map(),
  });
};

function withFlags<T extends object>(body: T, flags: Body<"table">["flags"] = []): T {
  const bare = { ...body, flags };
  if (flags.length === 0) Reflect.deleteProperty(bare, "flags");
  return bare;
}

export const delTable: Executor<"table"> = (body, _flags, { kernel, journal, unvalidated }) => {
  const name = needed(body.name, "the name");
  checkName(name);
  const key = tableKey(body.family, name);
  const table = found(kernel.ruleset.get(key), `table ${name}`);
  journal.remove(kernel.ruleset, key);
  unvalidated.delete(table);
};

/** Sets and maps: nf_tables_newset, nf_tables_delset. */
import { maxDataBytes, padded, verdictType } from "../../../netlink/nftables/data.ts";
import { omit } from "../../../netlink/nftables/fields.ts";
import { listedSet } from "../../../netlink/nftables/listed.ts";
import type { SetBody } from "../../../netlink/nftables/set.ts";
import { has } from "../backend.ts";
import { checkStateful } from "../expressions/stateful.ts";
import { checkFlags, checkName, checkNamed, checkUserdata, errno, needed, Refusal, require } from "../refusal.ts";
import type { FakeSet, FakeTable } from "../ruleset.ts";
import type { Transaction } from "../transaction.ts";
import { removeElements } from "./elements.ts";
import type { Executor } from "./executor.ts";

/** NFT_SET_EXPR_MAX */
const maxExpressions = 2;

export const newSet: Executor<"set"> = (body, flags, transaction) => {
  const name = needed(body.name, "the name");
  checkName(name);
  checkUserdata(body.userdata);
  checkSet(body);
  const table = transaction.table(body.family, body.table);
  const there = table.sets.get(name);
  if (there) {
    require(!flags.exclusive, errno.EEXIST, `set ${name} exists`);
    require(isSame(there.body, listedSet(body)), errno.EEXIST, `set ${name} is another`);
    return update(there, body, transaction);
  }
  add(table, body, transaction);
};

function add(table: FakeTable, body: Parameters<Executor<"set">>[0], transaction: Transaction): void {
  const name = has({ body }, "anonymous") ? allocateName(table, body.name!) : body.name!;
  const handle = transaction.nextHandle(table);
  const kept = listedSet(omit(body, "family", "version", "resourceId", "table"));
  const set: FakeSet = { body: { ...kept, name, handle }, bindings: 0, elements: new Map(), halves: [] };
  transaction.journal.put(table.sets, name, set);
  if (body.id !== undefined) transaction.setsById.set(body.id, set);
}

/** nf_tables_set_alloc_name: the lowest number that is free. */
function allocateName(table: FakeTable, template: string): string {
  require(template.split("%d").length === 2, errno.EINVAL, "an anonymous set's name has one %d");
  for (let i = 0; ; i++) {
    const name = template.replace("%d", String(i));
    if (!table.sets.has(name)) return name;
  }
}

/** What the kernel takes from a set that is added again. */
function update(there: FakeSet, body: SetBody, { atCommit }: Transaction): void {
  const { timeoutMs, gcIntervalMs } = body;
  const size = body.desc?.size;
  atCommit.push(() => {
    there.body = {
      ...there.body,
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
      ...(gcIntervalMs === undefined ? {} : { gcIntervalMs }),
      ...(size === undefined ? {} : { desc: { ...there.body.desc, size } }),
    };
  });
}

/** nft_set_is_same */
function isSame(a: SetBody, b: SetBody): boolean {
  const identity = (set: SetBody): string =>
    JSON.stringify([
      set.keyType,
      set.keyLen,
      set.dataType ?? 0,
      set.dataLen ?? 0,
      [...(set.flags ?? [])].sort(),
      set.desc?.concat ?? [],
      (set.expressions ?? []).map((one) => one.expr),
    ]);
  return identity(a) === identity(b);
}

function checkSet(body: SetBody): void {
  const set = { body };
  checkKey(body);
  checkFlags(body.flags, errno.EOPNOTSUPP);
  require(!has(set, "object") || !(has(set, "map") || has(set, "eval")), errno.EOPNOTSUPP);
  require(!has(set, "constant") || !has(set, "timeout"), errno.EOPNOTSUPP);
  checkData(body);
  checkObjects(body);
  require(has(set, "timeout") || (body.timeoutMs ?? body.gcIntervalMs) === undefined, errno.EINVAL);
  checkParts(body);
  require((body.expressions?.length ?? 0) <= maxExpressions, errno.E2BIG);
  body.expressions?.forEach(checkStateful);
  checkNamed(body.policy, errno.EOPNOTSUPP);
  require(!has(set, "interval") || !has(set, "eval"), errno.EOPNOTSUPP, "intervals are not dynamic");
}

function checkKey({ keyType = 0, keyLen }: SetBody): void {
  require(keyType < verdictType, errno.EINVAL);
  const length = needed(keyLen, "the key's length");
  require(length > 0 && length <= maxDataBytes, errno.EINVAL);
}

function checkData(body: SetBody): void {
  const { dataType, dataLen } = body;
  require((dataType !== undefined) === has({ body }, "map"), errno.EINVAL, "maps have data, sets have none");
  if (dataType === undefined || dataType === verdictType) return;
  const length = needed(dataLen, "the data's length");
  require(dataType < verdictType && length > 0 && length <= maxDataBytes, errno.EINVAL);
}

function checkObjects(body: SetBody): void {
  require((body.objectType !== undefined) === has({ body }, "object"), errno.EINVAL, "object maps have a type");
  checkNamed(body.objectType, errno.EOPNOTSUPP);
}

/** nft_set_desc_concat: the parts make the key. */
function checkParts(body: SetBody): void {
  const lengths = body.desc?.concat?.map(({ len = 0 }) => len) ?? [];
  require(lengths.length > 1 === has({ body }, "concat"), errno.EINVAL, "a concatenation has two parts or more");
  if (lengths.length === 0) return;
  require(!lengths.includes(0), errno.EINVAL);
  const bytes = lengths.reduce((sum, length) => sum + padded(length), 0);
  require(bytes === padded(body.keyLen ?? 0), errno.EINVAL, "the parts do not make the key");
}

export const delSet: Executor<"set"> = (body, flags, transaction) => {
  const table = transaction.table(body.family, body.table);
  const set = transaction.set(table, body.name, body.id);
  const isInUse = set.bindings > 0 || (flags.nonRecursive && set.elements.size > 0);
  if (isInUse) throw new Refusal(errno.EBUSY, "the set is in use");
  removeSet(table, set, transaction);
};

export function removeSet(table: FakeTable, set: FakeSet, transaction: Transaction): void {
  removeElements(set, transaction);
  transaction.journal.remove(table.sets, set.body.name!);
}

/** Named objects and flowtables: nf_tables_newobj, nf_tables_delobj, nf_tables_newflowtable, nf_tables_delflowtable. */
import { omit } from "../../../netlink/nftables/fields.ts";
import { listedStateful } from "../../../netlink/nftables/listed.ts";
import type { ObjectBody } from "../../../netlink/nftables/object.ts";
import { checkStateful } from "../expressions/stateful.ts";
import { checkName, checkUserdata, errno, found, needed, Refusal, require } from "../refusal.ts";
import { objectKey } from "../ruleset.ts";
import type { Transaction } from "../transaction.ts";
import type { Executor } from "./executor.ts";

export const newObject: Executor<"object"> = (body, flags, transaction) => {
  const name = needed(body.objectName, "the name");
  checkName(name);
  checkUserdata(body.userdata);
  const table = transaction.table(body.family, body.table);
  const key = objectKey(kindOf(body), name);
  const there = table.objects.get(key);
  if (there) {
    require(!flags.exclusive, errno.EEXIST, `${body.kind} ${name} exists`);
    require(!flags.replace, errno.EOPNOTSUPP);
    return update(there, body, transaction);
  }
  const state = listedState(body);
  const handle = transaction.nextHandle(table);
  transaction.journal.put(table.objects, key, { body: { ...state, handle }, use: 0 });
};

function kindOf(body: ObjectBody): string {
  return body.kind === "other" ? body.name : body.kind;
}

function listedState(body: ObjectBody): ObjectBody {
  if (body.kind === "other") throw new Refusal(errno.ENOENT, `objects of kind ${body.name} are unknown`);
  const kept = omit(
    body as ObjectBody & { family?: unknown; version?: unknown; resourceId?: unknown },
    "family",
    "version",
    "resourceId",
    "table",
  );
  const expression = { expr: body.kind, ...kept } as never;
  checkStateful(expression);
  return omit(listedStateful<{ expr: "counter" }>(expression), "expr") as unknown as ObjectBody;
}

/** Quotas alone can be changed; whatever else is added again stays what it is (nft_object_ops.update). */
function update(there: { body: ObjectBody }, body: ObjectBody, { journal }: Transaction): void {
  if (body.kind !== "quota" || there.body.kind !== "quota") return;
  checkStateful({ expr: "quota", ...body } as never);
  journal.assign(there, "body", { ...there.body, bytes: body.bytes!, flags: body.flags ?? [] });
}

export const delObject: Executor<"object"> = (body, _flags, transaction) => {
  const name = needed(body.objectName, "the name");
  checkName(name);
  const table = transaction.table(body.family, body.table);
  const object = transaction.object(table, kindOf(body), name);
  require(object.use === 0, errno.EBUSY, "the object is in use");
  transaction.journal.remove(table.objects, objectKey(kindOf(body), name));
};

export const newFlowtable: Executor<"flowtable"> = (body, flags, transaction) => {
  const name = needed(body.name, "the name");
  checkName(name);
  const table = transaction.table(body.family, body.table);
  require(["ip", "ip6", "inet"].includes(table.family), errno.EOPNOTSUPP);
  if (table.flowtables.has(name)) return require(!flags.exclusive, errno.EEXIST, `flowtable ${name} exists`);
  needed(body.hook, "the hook");
  const kept = omit(body, "family", "version", "resourceId", "table");
  const handle = transaction.nextHandle(table);
  transaction.journal.put(table.flowtables, name, { body: { ...kept, handle }, use: 0 });
};

export const delFlowtable: Executor<"flowtable"> = (body, _flags, transaction) => {
  const table = transaction.table(body.family, body.table);
  const name = needed(body.name, "the name");
  const flowtable = found(table.flowtables.get(name), `flowtable ${name}`);
  require(flowtable.use === 0, errno.EBUSY, "the flowtable is in use");
  transaction.journal.remove(table.flowtables, name);
};

/** Chains: nf_tables_newchain, nf_tables_updchain, nft_chain_parse_hook, nf_tables_delchain. */
import { omit } from "../../../netlink/nftables/fields.ts";
import { checkFlags, checkName, checkNamed, checkUserdata, errno, needed, Refusal, require } from "../refusal.ts";
import { isBase, type FakeChain, type FakeTable } from "../ruleset.ts";
import type { Transaction } from "../transaction.ts";
import type { Body, Executor } from "./executor.ts";

/** Hooks of each type of chain in each family, by number (nft_chain_filter.c, nft_chain_nat.c, nft_chain_route.c). */
const inetHooks = [0, 1, 2, 3, 4];
const natHooks = [0, 1, 3, 4];
const types: Readonly<Record<string, Readonly<Record<string, readonly number[]>>>> = {
  ip: { filter: inetHooks, nat: natHooks, route: [3] },
  ip6: { filter: inetHooks, nat: natHooks, route: [3] },
  inet: { filter: [...inetHooks, 5], nat: natHooks, route: [3] },
  bridge: { filter: inetHooks },
  arp: { filter: [0, 1] },
  netdev: { filter: [0, 1] },
};

/** NF_IP_PRI_CONNTRACK: translation has to come after it. */
const conntrackPriority = -200;

export const newChain: Executor<"chain"> = (body, flags, transaction) => {
  const name = needed(body.name, "the name");
  checkName(name);
  checkUserdata(body.userdata);
  const table = transaction.table(body.family, body.table);
  const there = table.chains.get(name);
  checkNamed(body.policy, errno.EINVAL);
  checkFlags(body.flags, errno.EOPNOTSUPP);
  require(!body.flags?.includes("offload"), errno.EOPNOTSUPP, "no device here offloads");
  if (there) {
    require(!flags.exclusive, errno.EEXIST, `chain ${name} exists`);
    require(!flags.replace, errno.EOPNOTSUPP);
    return update(there, body, table, transaction);
  }
  if (body.hook) checkHook(table, body);
  const handle = transaction.nextHandle(table);
  const kept = omit(body, "family", "version", "resourceId", "table", "id");
  const chain = {
    body: { ...kept, ...(body.hook ? { policy: body.policy ?? "accept" } : {}), handle },
    use: 0,
    rules: [],
  };
  transaction.journal.put(table.chains, name, chain);
};

/** A base chain takes another policy; its place is its own for good. */
function update(there: FakeChain, body: Body<"chain">, table: FakeTable, { journal }: Transaction): void {
  if (body.hook) {
    require(isBase(there), errno.EEXIST, "a regular chain cannot be hooked");
    const { number, priority } = body.hook;
    const isSame = number === there.body.hook?.number && priority === there.body.hook?.priority;
    require(isSame, errno.EOPNOTSUPP, "a chain cannot be hooked elsewhere");
    typeOf(table, body);
    require(body.type === there.body.type, errno.EEXIST, "a chain cannot change its type");
  }
  if (body.policy !== undefined) journal.assign(there, "body", { ...there.body, policy: body.policy });
}

function typeOf(table: FakeTable, body: Body<"chain">): readonly number[] {
  const hooks = types[table.family]?.[body.type ?? "filter"];
  if (!hooks) throw new Refusal(errno.ENOENT, `${table.family} has no chains of type ${body.type}`);
  return hooks;
}

function checkHook(table: FakeTable, body: Body<"chain">): void {
  const { number, priority, device, devices } = body.hook ?? {};
  const hook = needed(number, "the hook");
  require(typeOf(table, body).includes(hook), errno.EOPNOTSUPP, "chains of this type have no such hook");
  const isTooEarly = body.type === "nat" && needed(priority) <= conntrackPriority;
  require(!isTooEarly, errno.EOPNOTSUPP, "connections are not tracked yet at this priority");
  const takesDevices = table.family === "netdev" || (table.family === "inet" && hook === 5);
  require(takesDevices || (device ?? devices) === undefined, errno.EOPNOTSUPP, "this hook has no devices");
}

export const delChain: Executor<"chain"> = (body, flags, transaction) => {
  const table = transaction.table(body.family, body.table);
  const chain = transaction.chain(table, body.name);
  require(!flags.nonRecursive || (chain.use === 0 && chain.rules.length === 0), errno.EBUSY, "the chain is in use");
  for (const rule of chain.rules) transaction.refer(rule.references, -1);
  require(chain.use === 0, errno.EBUSY, "the chain is jumped to");
  transaction.journal.remove(table.chains, body.name!);
};

/** Lists the fake's ruleset, in the order in which the kernel does: by handle, rules by their place. */
import { chainOf, flowtableOf, objectOf, ruleOf, setOfBody } from "../../netlink/nftables/bodies.ts";
import type { NftElement, NftTable } from "../../netlink/nftables/state.ts";
import type { FakeSet, FakeTable } from "./ruleset.ts";

export function listTable(table: FakeTable, generation: number, nowMs: number): NftTable {
  const { family, body } = table;
  return {
    family,
    name: body.name ?? "",
    handle: body.handle ?? 0,
    generation,
    ...(body.flags ? { flags: body.flags } : {}),
    ...(body.userdata ? { userdata: body.userdata } : {}),
    chains: byHandle(table.chains).map((chain) => ({
      ...chainOf(family, chain.body),
      rules: chain.rules.map((rule) => ruleOf(rule.body)),
    })),
    sets: byHandle(table.sets).map((set) => ({ ...setOfBody(set.body), elements: listElements(set, nowMs) })),
    objects: byHandle(table.objects).map((object) => objectOf(object.body)),
    flowtables: byHandle(table.flowtables).map((flowtable) => flowtableOf(flowtable.body)),
  };
}

function byHandle<T extends { readonly body: { handle?: number } }>(objects: ReadonlyMap<string, T>): T[] {
  return [...objects.values()].sort((a, b) => (a.body.handle ?? 0) - (b.body.handle ?? 0));
}

export function listElements(set: FakeSet, nowMs: number): NftElement[] {
  return [...set.elements.values()].map(({ body, expiresAtMs }) =>
    expiresAtMs === undefined ? body : { ...body, expirationMs: expiresAtMs - nowMs },
  );
}

/** What becomes of an object, by its owners; cases as upstream's attemptToDeleteItem has them. */
import { describe, expect, it } from "vitest";
import {
  planItem,
  unblocked,
  withoutOwners,
  type Item,
  type OwnerState,
} from "../../../../../src/controlplane/controllers/garbage_collector/plan.ts";

const reference = (uid: string, blockOwnerDeletion?: boolean) => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  name: uid,
  uid,
  ...(blockOwnerDeletion === undefined ? {} : { blockOwnerDeletion }),
});

function item(states: Record<string, OwnerState>, over: Partial<Item> & { finalizers?: string[] } = {}): Item {
  const { finalizers, ...rest } = over;
  return {
    metadata: { name: "x", uid: "x", resourceVersion: "1", ...(finalizers ? { finalizers } : {}) },
    owners: Object.entries(states).map(([uid, state]) => ({ reference: reference(uid), state })),
    hasDependents: false,
    hasWaitingDependent: false,
    ...rest,
  };
}

const remove = (policy: string) => ({ type: "delete", policy });

describe("planItem", () => {
  it.each<[string, Item, unknown[]]>([
    ["no owners", item({}), []],
    ["an owner that is there", item({ a: "solid" }), []],
    ["none that is there", item({ a: "dangling", b: "dangling" }), [remove("Background")]],
    ["one of two", item({ a: "solid", b: "dangling" }), [{ type: "disown", uids: ["b"] }]],
    ["one, another waits", item({ a: "solid", b: "waiting", c: "dangling" }), [{ type: "disown", uids: ["b", "c"] }]],
    ["an owner that waits, no dependents", item({ a: "waiting" }), [remove("Background")]],
    ["an owner that waits, dependents", item({ a: "waiting" }, { hasDependents: true }), [remove("Foreground")]],
    [
      "a circle of those that wait",
      item({ a: "waiting" }, { hasDependents: true, hasWaitingDependent: true }),
      [{ type: "unblock" }, remove("Foreground")],
    ],
    ["gone owners, dependents", item({ a: "dangling" }, { hasDependents: true }), [remove("Background")]],
    ["asked to be orphaned", item({ a: "dangling" }, { finalizers: ["orphan"] }), [remove("Orphan")]],
    ["asked to go last", item({ a: "dangling" }, { finalizers: ["foregroundDeletion"] }), [remove("Foreground")]],
  ])("%s", (_, given, expected) => expect(planItem(given)).toEqual(expected));
});

describe("references", () => {
  const metadata = {
    name: "x",
    uid: "x",
    resourceVersion: "1",
    ownerReferences: [reference("a", true), reference("b", false), reference("c")],
  };
  it("are taken away by uid", () => {
    expect(withoutOwners(metadata, ["a", "c", "z"]).map(({ uid }) => uid)).toEqual(["b"]);
    expect(withoutOwners({ name: "y", uid: "y", resourceVersion: "1" }, ["a"])).toEqual([]);
  });
  it("block no more where they did", () => {
    expect(unblocked(metadata)).toEqual([reference("a", false), reference("b", false), reference("c")]);
  });
});

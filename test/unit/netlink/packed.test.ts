/** Packed elements are the bytes that the same elements are one by one, and no message holds too many. */
import { expect, it } from "vitest";
import { encodeBatch } from "../../../src/kernel/netlink/codec/message.ts";
import { renderBatch } from "../../../src/kernel/netlink/nftables/batch.ts";
import { PackedElements, type PackedLayout } from "../../../src/kernel/netlink/nftables/packed.ts";
import type { NftElements } from "../../../src/kernel/netlink/nftables/state.ts";

const layouts: Readonly<Record<string, PackedLayout>> = {
  "keys alone": { keyBytes: 4, dataBytes: 0 },
  "keys and values": { keyBytes: 16, dataBytes: 8 },
  "keys and one verdict": { keyBytes: 12, dataBytes: 0, shared: { verdict: { code: "goto", chain: "cluster-4" } } },
};

function packedOf(layout: PackedLayout, count: number): PackedElements {
  const packed = new PackedElements(layout);
  for (let i = 0; i < count; i++) {
    const suffix = String.fromCharCode(i & 255, i >>> 8, 0, 255);
    packed.add("k".repeat(layout.keyBytes - suffix.length), suffix, `--${"v".repeat(layout.dataBytes)}`, 2);
  }
  return packed;
}

function encoded(elements: NftElements): { readonly messages: number; readonly bytes: Buffer } {
  const table = { family: "ip", name: "t" } as const;
  const { requests } = renderBatch([{ step: "add elements", table, set: "s", elements }]);
  return { messages: requests.length - 2, bytes: Buffer.from(encodeBatch(requests, 1)) };
}

for (const [name, layout] of Object.entries(layouts)) {
  it(`${name}, as one message`, () => {
    const packed = packedOf(layout, 300);
    expect(packed.length).toBe(300);
    expect(encoded(packed).bytes).toEqual(encoded([...packed]).bytes);
  });

  it(`${name}, as many as take several`, () => {
    const packed = packedOf(layout, 10_000);
    const { messages } = encoded(packed);
    expect(messages).toBeGreaterThan(2);
    const runs = packed.runs(0xffff - 4);
    expect(runs.flatMap((run) => [...run])).toEqual([...packed]);
    expect(runs).toHaveLength(messages);
  });
}

it("takes no element of other lengths", () => {
  const packed = new PackedElements({ keyBytes: 8, dataBytes: 4 });
  expect(() => packed.add("four", "", "data", 0)).toThrow(TypeError);
  expect(() => packed.add("four", "more", "data", 1)).toThrow(TypeError);
});

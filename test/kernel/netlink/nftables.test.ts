/** What we program, nft reads; what nft programs, we read and program again. nft 1.0.6 is an oracle, not a judge. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { setOf } from "../../../src/kernel/netlink/nftables/datatype.ts";
import type { NftElement, NftTable, NftTableRef } from "../../../src/kernel/netlink/nftables/state.ts";
import type { NftStep } from "../../../src/kernel/netlink/nftables/step.ts";
import { RealNftables } from "../../../src/kernel/real/nftables.ts";
import type { NftablesPort, NftChange } from "../../../src/kernel/ports.ts";
import { watchLoop } from "../../fixtures/event_loop.ts";
import { eventually } from "../../fixtures/eventually.ts";
import { run, useNamespace } from "../../fixtures/namespace.ts";
import { normal } from "../../contract/nftables/normal.ts";
import { loadBalancer, table } from "./nftables/load_balancer.ts";
import { nftScripts } from "./nftables/nft_scripts.ts";
import { restoreSteps } from "./nftables/restore.ts";

const namespace = useNamespace();

async function withPort(body: (port: NftablesPort) => Promise<void>): Promise<void> {
  const port = await RealNftables.open(namespace());
  try {
    await body(port);
  } finally {
    port.close();
  }
}

async function transactAndList(port: NftablesPort, steps: readonly NftStep[], ref: NftTableRef): Promise<NftTable> {
  await port.transact(steps);
  const listed = await port.list(ref);
  if (!listed) throw new Error(`table ${ref.name} is not there`);
  return listed;
}

describe("a NAT load balancer that we program", () => {
  it("is what nft prints", async () => {
    await withPort(async (port) => {
      await port.transact(loadBalancer);
      const expected = readFileSync(new URL("nftables/load_balancer.nft", import.meta.url), "utf8");
      expect(elementsInOrder(await run(namespace(), ["nft", "-s", "list", "ruleset"]))).toBe(expected);
    });
  });

  it("is what nft reports as JSON", async () => {
    await withPort(async (port) => {
      await port.transact(loadBalancer);
      const { nftables } = JSON.parse(await run(namespace(), ["nft", "-j", "list", "ruleset"])) as Report;
      const rules = nftables.flatMap(({ rule }) => (rule?.chain === "fan-out-2" ? [rule.expr] : []));
      expect(rules).toEqual([[{ dnat: { family: "ip", addr: { map: { key: fanOutKey, data: "@endpoints" } } } }]]);
      const elements = nftables.flatMap(({ map }) => (map?.name === "frontends" ? map.elem : []));
      expect(elements).toContainEqual([{ concat: ["10.96.0.1", "tcp", 80] }, { goto: { target: "fan-out-2" } }]);
      expect(elements).toHaveLength(2);
    });
  });

  it("is what we list, and once more what it was when programmed again", async () => {
    await withPort(async (port) => {
      const listed = await transactAndList(port, loadBalancer, table);
      const again = { family: "ip", name: "again" } as const;
      const copy = await transactAndList(port, restoreSteps(listed, again), again);
      expect(normal({ ...copy, name: table.name })).toEqual(normal(listed));
    });
  });
});

interface Report {
  readonly nftables: readonly {
    readonly rule?: { readonly chain: string; readonly expr: unknown };
    readonly map?: { readonly name: string; readonly elem: readonly unknown[] };
  }[];
}

const fanOutKey = {
  concat: [
    { payload: { protocol: "ip", field: "daddr" } },
    { meta: { key: "l4proto" } },
    { payload: { protocol: "th", field: "dport" } },
    { numgen: { mode: "random", mod: 2, offset: 0 } },
  ],
};

/** Hash tables have an order of their own in each run: elements one a line, sorted. */
function elementsInOrder(ruleset: string): string {
  return ruleset.replace(/elements = \{ ([^}]*) \}/g, (_all, list: string) => {
    const lines = list.split(/,\s+/).sort();
    return ["elements = {", ...lines.map((line) => `\t${line}`), "}"].join("\n\t\t");
  });
}

describe("what nft programs", () => {
  it.each(Object.entries(nftScripts))("%s is programmed again and prints the same", async (_name, script) => {
    await withPort(async (port) => {
      await run(namespace(), ["nft", "-f", "-"], { stdin: script });
      const listed = (await port.list({ family: "ip", name: "original" }))!;
      const again = { family: "ip", name: "again" } as const;
      const copy = await transactAndList(port, restoreSteps(listed, again), again);
      expect(normal({ ...copy, name: "original" })).toEqual(normal(listed));
      const [first, second] = await Promise.all(
        ["original", "again"].map((name) => run(namespace(), ["nft", "-s", "list", "table", "ip", name])),
      );
      expect(second!.replace("table ip again", "table ip original")).toBe(first);
    });
  });
});

describe("a lot at once", () => {
  const many = 50_000;
  const keys = Array.from({ length: many }, (_, i) => Uint8Array.of(10, i >> 16, i >> 8, i));
  const set: NftStep = { step: "add set", table, set: { name: "s", ...setOf(["ipv4_addr"]) } };

  it("keeps the event loop for 50 ms at most, in and out", async () => {
    await withPort(async (port) => {
      const elements = keys.slice(0, 20_000).map((key) => ({ key }));
      await port.transact([{ step: "add table", table }, set]);
      const loaded = await watchLoop(() =>
        port.transact([{ step: "flush set", table, name: "s" }, elementsStep(elements)]),
      );
      const listed = await watchLoop(() => port.listElements(table, "s"));
      expect(listed.value).toHaveLength(elements.length);
      expect(Math.max(loaded.longestMs, listed.longestMs)).toBeLessThan(50);
    });
  });

  it("is listed whole while the kernel still grows its table", async () => {
    await withPort(async (port) => {
      await port.transact([{ step: "add table", table }]);
      for (let round = 0; round < 30; round++) {
        const name = `s${round}`;
        const elements = keys.slice(0, round % 2 === 0 ? 500 : 2000).map((key) => ({ key }));
        await port.transact([
          { step: "add set", table, set: { name, ...setOf(["ipv4_addr"]) } },
          { step: "add elements", table, set: name, elements },
        ]);
        const listed = (await port.listElements(table, name)).map(({ key }) => Buffer.from(key!).toString("hex"));
        expect([...listed].sort()).toEqual(elements.map(({ key }) => Buffer.from(key).toString("hex")));
      }
    });
  });

  it("that a watch cannot keep up with is told, and what comes then is seen again", async () => {
    await withPort(async (port) => {
      const seen: NftChange[] = [];
      const watch = await port.watch((change) => seen.push(change));
      const text = keys.map((key) => key.join(".")).join(", ");
      const script = `table ip t {\nset s { type ipv4_addr; }\n}\nadd element ip t s { ${text} }\nflush set ip t s\n`;
      // Nothing is read as long as this thread waits here.
      const inside = `--net=/proc/${process.pid}/fd/${namespace().fd}`;
      for (let i = 0; i < 2; i++) spawnSync("nsenter", [inside, "nft", "-f", "-"], { input: script });
      await eventually("an overrun", () => seen.some(({ what }) => what === "overrun"));
      await port.transact([{ step: "add table", table }]);
      await eventually("the next change", () => seen.some((change) => change.what === "changed" && isAbout(change)));
      watch.close();
    });
  });

  const elementsStep = (elements: readonly NftElement[]): NftStep => ({
    step: "add elements",
    table,
    set: "s",
    elements,
  });
  const isAbout = ({ tables }: Extract<NftChange, { what: "changed" }>): boolean =>
    tables.some(({ name }) => name === table.name);
});

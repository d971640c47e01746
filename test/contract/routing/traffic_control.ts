/** Queueing disciplines and filters. */
import { describe, expect, it } from "vitest";
import { addPair, change, left, type RoutingContext } from "./context.ts";

export function describeTrafficControl(on: () => RoutingContext): void {
  describe("traffic control", () => {
    /** Classic BPF's "return": 0 is TC_ACT_OK, 2 TC_ACT_SHOT. */
    const verdict = (value: number) => [{ code: 6, jumpTrue: 0, jumpFalse: 0, value }];
    const clsact = { index: left, parent: "clsact", kind: "clsact" } as const;
    const pass = {
      ...({ index: left, parent: "ingress", protocol: "all", priority: 1, handle: 1, kind: "bpf" } as const),
      ...({ instructionCount: 1, instructions: verdict(0), flags: ["directAction"] } as const),
    };
    const kinds = async () => (await on().port.qdiscs({ index: left })).map((qdisc) => qdisc.kind);
    const verdicts = async () =>
      (await on().port.filters({ index: left, parent: "ingress" })).map((filter) =>
        filter.kind === "bpf" ? filter.instructions?.[0]?.value : filter.kind,
      );

    it("has one clsact on a link", async () => {
      await on().prepare(addPair);
      expect(
        await on().outcomes(
          change("delete", "qdisc", clsact),
          change("add", "qdisc", clsact),
          change("add", "qdisc", clsact),
          change("add", "qdisc", { ...clsact, index: 99 }),
        ),
      ).toEqual(["ENOENT", "ok", "EEXIST", "ENODEV"]);
      expect(await kinds()).toContain("clsact");
      await on().prepare(change("delete", "qdisc", clsact));
      expect(await kinds()).not.toContain("clsact");
    });

    it("has filters on clsact, which go with it", async () => {
      await on().prepare(addPair);
      expect(await on().outcomes(change("add", "filter", pass))).toEqual(["EINVAL"]);
      await on().prepare(change("add", "qdisc", clsact));
      expect(
        await on().outcomes(
          change("add", "filter", pass),
          change("add", "filter", pass),
          change("replace", "filter", { ...pass, instructions: verdict(2) }),
        ),
      ).toEqual(["ok", "EEXIST", "ok"]);
      expect(await verdicts()).toEqual([2]);
      expect(await on().outcomes(change("delete", "filter", pass), change("delete", "filter", pass))).toEqual([
        "ok",
        "ENOENT",
      ]);
      await on().prepare(
        change("add", "filter", pass),
        change("delete", "qdisc", clsact),
        change("add", "qdisc", clsact),
      );
      expect(await verdicts()).toEqual([]);
    });
  });
}

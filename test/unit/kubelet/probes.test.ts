/** Probes: what answers add up to, and when they are asked; files that change at once. */
import { mkdtempSync, readFileSync, readdirSync, readlinkSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { afterAnswer, unprobed } from "../../../src/kubelet/probes/probe_state.ts";
import { TimerWheel } from "../../../src/kubelet/probes/timer_wheel.ts";
import { writeAtomically } from "../../../src/kubelet/volumes/atomic_writer.ts";
import { FakeClock } from "../../fixtures/fake_clock.ts";

describe("answers", () => {
  const after = (answers: string, successThreshold = 1, failureThreshold = 3) =>
    [...answers].reduce(
      (state, answer) => afterAnswer(state, answer === "+", { successThreshold, failureThreshold }),
      unprobed,
    ).result;

  it.each([
    ["", undefined],
    ["-", undefined],
    ["--", undefined],
    ["---", "failure"],
    ["+", "success"],
    ["+--", "success"],
    ["+---", "failure"],
    ["---+", "success"],
    ["--+--", "success"],
  ])("%s → %s", (answers, result) => {
    expect(after(answers)).toBe(result);
  });

  it("need their threshold in a row", () => {
    expect(after("++-++", 3)).toBe(undefined);
    expect(after("-+++", 3)).toBe("success");
    expect(after("-", 1, 1)).toBe("failure");
  });
});

describe("a timer wheel", () => {
  it("calls in time, on one timer for all", () => {
    const clock = new FakeClock();
    const wheel = new TimerWheel(clock);
    const calls: string[] = [];
    for (let i = 0; i < 500; i++) wheel.after(1000 + (i % 50), () => calls.push("many"));
    wheel.after(250, () => calls.push("first"));
    const cancel = wheel.after(300, () => calls.push("never"));
    expect(clock.waiting).toBe(1);
    cancel();
    clock.advance(249);
    expect(calls).toEqual([]);
    clock.advance(101);
    expect(calls).toEqual(["first"]);
    clock.advance(800);
    expect(calls).toHaveLength(501);
    expect(wheel.waiting).toBe(0);
    expect(clock.waiting).toBe(0);
  });

  it("goes on where a call begins another", () => {
    const clock = new FakeClock();
    const wheel = new TimerWheel(clock);
    let calls = 0;
    const again = (): void => void (calls++, wheel.after(1000, again));
    wheel.after(1000, again);
    clock.advance(10_900);
    expect(calls).toBeGreaterThanOrEqual(9);
    wheel.stop();
    clock.advance(10_000);
    expect(calls).toBeLessThanOrEqual(11);
  });
});

describe("files that change at once", () => {
  const file = (text: string, mode = 0o644) => ({ content: Buffer.from(text), mode });

  it("are links through one link, which alone changes", async () => {
    const folder = mkdtempSync(path.join(tmpdir(), "fairlead-atomic-"));
    try {
      const first = new Map([
        ["a", file("one")],
        ["deep/b", file("two", 0o400)],
      ]);
      expect(await writeAtomically(folder, first)).toBe(true);
      expect(await writeAtomically(folder, first)).toBe(false);
      const before = readlinkSync(path.join(folder, "..data"));
      expect(readlinkSync(path.join(folder, "a"))).toBe("..data/a");
      expect(readFileSync(path.join(folder, "deep/b"), "utf8")).toBe("two");
      expect(statSync(path.join(folder, "deep/b")).mode & 0o777).toBe(0o400);
      expect(await writeAtomically(folder, new Map([["c", file("three")]]))).toBe(true);
      expect(readdirSync(folder).filter((name) => !name.startsWith(".."))).toEqual(["c"]);
      expect(readdirSync(folder)).not.toContain(before);
      expect(readdirSync(folder)).toHaveLength(3);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

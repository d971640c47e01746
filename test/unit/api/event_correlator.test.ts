/** What client-go's own tests of its correlator check (tools/record/events_cache_test.go). */
import { describe, expect, it } from "vitest";
import { EventCorrelator, maxRemembered, type NewEvent } from "../../../src/api/events/correlator.ts";
import { LruMap } from "../../../src/api/events/lru_map.ts";
import { timestamp } from "../../../src/model/timestamp.ts";

const start = Date.parse("2026-01-01T00:00:00Z");

function event(message: string, { nowMs = start, reason = "Started", pod = "web", name = "web.1" } = {}): NewEvent {
  return {
    metadata: { name, namespace: "default" },
    involvedObject: { kind: "Pod", namespace: "default", name: pod, uid: `uid-of-${pod}`, apiVersion: "v1" },
    source: { component: "kubelet", host: "node-1" },
    reason,
    message,
    type: "Normal",
    count: 1,
    firstTimestamp: timestamp(nowMs),
    lastTimestamp: timestamp(nowMs),
  };
}

describe("Events are correlated", () => {
  it("creates the first, and counts up the same again under the first one's name", () => {
    const correlator = new EventCorrelator();
    expect(correlator.correlate(event("hello", { name: "web.a" }), start, "-")).toMatchObject({
      do: "create",
      event: { metadata: { name: "web.a" }, count: 1 },
    });
    const nowMs = start + 3000;
    expect(correlator.correlate(event("hello", { nowMs, name: "web.b" }), nowMs, "-")).toMatchObject({
      do: "patch",
      event: { metadata: { name: "web.a" }, count: 2, firstTimestamp: "2026-01-01T00:00:00Z" },
      patch: { count: 2, lastTimestamp: "2026-01-01T00:00:03Z", message: "hello" },
    });
  });

  it.each([
    ["reason", { reason: "Killing" }],
    ["object", { pod: "db" }],
  ])("takes another %s for another Event", (_, other) => {
    const correlator = new EventCorrelator();
    correlator.correlate(event("hello"), start, "-");
    expect(correlator.correlate(event("hello", other), start, "-").do).toBe("create");
  });

  it("makes one of ten that differ in the message alone", () => {
    const correlator = new EventCorrelator();
    for (let i = 1; i < 10; i++) {
      expect(correlator.correlate(event(`m${i}`), start, "combined").do).toBe("create");
    }
    expect(correlator.correlate(event("m10"), start, "combined.1")).toMatchObject({
      do: "create",
      event: { metadata: { name: "combined.1" }, message: "(combined from similar events): m10", count: 1 },
    });
    expect(correlator.correlate(event("m11"), start + 1000, "combined.2")).toMatchObject({
      do: "patch",
      event: { metadata: { name: "combined.1" } },
      patch: { message: "(combined from similar events): m11", count: 2 },
    });
  });

  it.each([
    [600_000, "patch"],
    [600_001, "create"],
  ])("after %i ms of silence, what was similar ends in a %s", (silenceMs, expected) => {
    const correlator = new EventCorrelator();
    for (let i = 0; i < 12; i++) correlator.correlate(event(`m${i}`), start, "combined");
    const next = correlator.correlate(event("m-later"), start + silenceMs, "combined.2");
    expect(next.do).toBe(expected);
  });

  it("hears 25 of one source and object, then one each five minutes", () => {
    const correlator = new EventCorrelator();
    const heard = (nowMs: number): boolean => correlator.correlate(event("again"), nowMs, "-").do !== "skip";
    const first = Array.from({ length: 30 }, () => heard(start));
    expect(first.filter(Boolean)).toHaveLength(25);
    expect(heard(start + 299_000)).toBe(false);
    expect(heard(start + 300_000)).toBe(true);
    expect(heard(start + 300_000)).toBe(false);
    expect(correlator.correlate(event("other", { pod: "db" }), start + 300_000, "-").do).toBe("create");
  });
});

describe("what is remembered", () => {
  it("is bounded, and what was used longest ago goes first", () => {
    const map = new LruMap<number>(3);
    for (const [i, key] of ["a", "b", "c"].entries()) map.set(key, i);
    expect(map.get("a")).toBe(0);
    map.set("d", 3);
    expect(map.size).toBe(3);
    expect(map.get("b")).toBeUndefined();
    expect(map.get("a")).toBe(0);
  });

  it("forgets an object behind 4096 others", () => {
    const correlator = new EventCorrelator();
    correlator.correlate(event("hello"), start, "-");
    for (let i = 0; i < maxRemembered; i++) correlator.correlate(event("hello", { pod: `pod-${i}` }), start, "-");
    expect(correlator.correlate(event("hello"), start, "-").do).toBe("create");
  });
});

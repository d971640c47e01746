/** The scheduling queue on a clock that the test moves. */
import { beforeEach, describe, expect, it } from "vitest";
import type { ClusterEvent } from "../../../../src/controlplane/scheduler/framework/events.ts";
import { SchedulingQueue } from "../../../../src/controlplane/scheduler/queue/queue.ts";
import type { QueuedPod } from "../../../../src/controlplane/scheduler/queue/queued_pod.ts";
import { FakeClock } from "../../../fixtures/fake_clock.ts";
import { info, node, type PodOptions } from "./objects.ts";

const event: ClusterEvent = { type: "NodeAdd", node: node("n") };
const gates = { schedulingGates: [{ name: "example.com/g" }] };
let clock: FakeClock;
let queue: SchedulingQueue;
let activations: number;
/** Plugins past which an event helps. */
let helping: Set<string>;

beforeEach(() => {
  clock = new FakeClock();
  activations = 0;
  helping = new Set();
  queue = new SchedulingQueue({ clock, helps: (plugin) => helping.has(plugin), onActive: () => activations++ });
});

const popped = (): readonly string[] => {
  const names: string[] = [];
  for (let pod = queue.pop(); pod; pod = queue.pop()) names.push(pod.info.name);
  return names;
};

function inFlight(name: string, options: PodOptions = {}): QueuedPod {
  queue.add(info(name, options));
  return queue.pop()!;
}

function rejected(name: string, ...plugins: string[]): QueuedPod {
  const pod = inFlight(name);
  queue.setAside(pod, new Set(plugins));
  return pod;
}

describe("the order", () => {
  it("is by priority, then by time", () => {
    queue.add(info("early"));
    clock.advance(1);
    queue.add(info("late"));
    queue.add(info("later"));
    queue.add(info("important", { priority: 10 }));
    queue.add(info("least", { priority: -1 }));
    expect(popped()).toEqual(["important", "early", "late", "later", "least"]);
    expect(activations).toBe(5);
  });

  it("forgets pods that are deleted, and keeps the newest version of the others", () => {
    queue.add(info("gone"));
    queue.add(info("kept"));
    queue.delete("uid-gone");
    queue.update(info("kept", { labels: { version: "2" } }), true);
    expect(queue.pop()?.info.labels).toEqual({ version: "2" });
    expect(queue.pop()).toBeUndefined();
    expect(queue.size).toBe(1);
  });
});

describe("a pod that no node fits", () => {
  it("waits for an event that helps past a plugin that rejected it", () => {
    rejected("a", "Fit", "Taints");
    rejected("b", "Ports");
    clock.advance(60_000);
    queue.onEvent(event);
    expect(popped()).toEqual([]);
    helping.add("Taints");
    queue.onEvent(event);
    expect(popped()).toEqual(["a"]);
  });

  it("waits for any event where no plugin rejected it", () => {
    rejected("a");
    clock.advance(60_000);
    queue.onEvent(event);
    expect(popped()).toEqual(["a"]);
  });

  it("backs off for 1 s, doubled each time up to 10 s", () => {
    helping.add("Fit");
    const waits: number[] = [];
    const pod = inFlight("a");
    for (let i = 0; i < 6; i++) {
      queue.setAside(pod, new Set(["Fit"]));
      queue.onEvent(event);
      const from = clock.now();
      while (!queue.pop()) clock.advance(100);
      waits.push(clock.now() - from);
    }
    expect(waits).toEqual([1000, 2000, 4000, 8000, 10_000, 10_000]);
  });

  it("counts the time that it was set aside towards its back-off", () => {
    helping.add("Fit");
    rejected("a", "Fit");
    clock.advance(700);
    queue.onEvent(event);
    clock.advance(299);
    expect(popped()).toEqual([]);
    clock.advance(1);
    expect(popped()).toEqual(["a"]);
  });

  it("is tried once more after 5 minutes, whatever happened", () => {
    queue.start();
    rejected("a", "Fit");
    clock.advance(4 * 60_000 + 59_000);
    expect(popped()).toEqual([]);
    clock.advance(31_000);
    expect(popped()).toEqual(["a"]);
    queue.stop();
    expect(clock.waiting).toBe(0);
  });

  it("is tried once more when it was changed itself, and not for its status", () => {
    rejected("a", "Fit");
    clock.advance(1000);
    queue.update(info("a"), false);
    expect(popped()).toEqual([]);
    queue.update(info("a"), true);
    expect(popped()).toEqual(["a"]);
  });

  it("is not woken while its victims go, and then is if it would have been", () => {
    helping.add("Fit");
    const pod = rejected("a", "Fit");
    queue.hold(pod);
    clock.advance(5000);
    queue.onEvent(event);
    expect(popped()).toEqual([]);
    queue.release(pod, false);
    expect(popped()).toEqual(["a"]);
    queue.setAside(pod, new Set(["Fit"]));
    queue.hold(pod);
    queue.release(pod, false);
    clock.advance(5000);
    expect(popped()).toEqual([]);
    queue.hold(pod);
    queue.release(pod, true);
    expect(popped()).toEqual(["a"]);
  });
});

describe("a pod whose binding failed", () => {
  it("comes again after its back-off, without any event", () => {
    queue.retry(inFlight("a"));
    clock.advance(999);
    expect(popped()).toEqual([]);
    clock.advance(1);
    expect(popped()).toEqual(["a"]);
  });

  it("does not come again when it was deleted meanwhile", () => {
    const pod = inFlight("a");
    queue.delete("uid-a");
    queue.retry(pod);
    queue.setAside(pod, new Set());
    queue.onEvent(event);
    clock.advance(60_000);
    expect(popped()).toEqual([]);
    expect(queue.size).toBe(0);
  });
});

describe("a pod with gates", () => {
  it("waits until they are gone, whatever happens", () => {
    helping.add("Fit");
    queue.add(info("a", { spec: gates }));
    queue.onEvent(event);
    queue.update(info("a", { spec: gates, labels: { x: "" } }), true);
    expect(popped()).toEqual([]);
    queue.update(info("a"), true);
    expect(popped()).toEqual(["a"]);
  });
});

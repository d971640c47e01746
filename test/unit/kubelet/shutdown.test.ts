/** The machine's end: who ends when, within what time, and what is held up meanwhile. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, it } from "vitest";
import type { Evictable } from "../../../src/kubelet/eviction/manager.ts";
import { prepareForShutdown } from "../../../src/kubelet/shutdown/logind.ts";
import { ShutdownManager } from "../../../src/kubelet/shutdown/manager.ts";
import { graceOf, shutdownGroups, shutdownPeriods, shutdownSeconds } from "../../../src/kubelet/shutdown/plan.ts";
import type { ShutdownPort } from "../../../src/kubelet/shutdown/port.ts";
import { ShutdownTimes } from "../../../src/kubelet/shutdown/times.ts";
import type { Pod } from "../../../src/model/kubernetes.ts";
import { systemClock } from "../../../src/reconcile/clock.ts";
import { eventually } from "../../fixtures/eventually.ts";

const none = { gracePeriodMs: 0, gracePeriodCriticalMs: 0, byPriority: [] };
const two = { gracePeriodMs: 30_000, gracePeriodCriticalMs: 10_000, byPriority: [] };
const pod = (name: string, priority: number | undefined, grace = 30): { pod: Pod } => ({
  pod: { metadata: { name }, spec: { priority, terminationGracePeriodSeconds: grace } } as unknown as Pod,
});

describe("the plan", () => {
  it("has two groups of two periods, and as many as there are priorities", () => {
    expect(shutdownPeriods(none)).toEqual([]);
    expect(shutdownPeriods(two)).toEqual([
      { priority: 0, graceSeconds: 20 },
      { priority: 2_000_000_000, graceSeconds: 10 },
    ]);
    const byPriority = [
      { priority: 1000, shutdownGracePeriodSeconds: 5 },
      { priority: -10, shutdownGracePeriodSeconds: 7 },
    ];
    expect(shutdownPeriods({ ...none, byPriority }).map(({ priority }) => priority)).toEqual([-10, 1000]);
    expect(shutdownSeconds(shutdownPeriods({ ...none, byPriority }))).toBe(12);
  });

  it("puts each pod where its priority is, and those below with the lowest", () => {
    const pods = [pod("a", -5), pod("b", undefined), pod("c", 1_999_999_999), pod("d", 2_000_001_000)];
    const groups = shutdownGroups(shutdownPeriods(two), pods);
    expect(groups.map(({ pods: own }) => own.map((one) => one.pod.metadata.name))).toEqual([["a", "b", "c"], ["d"]]);
    expect(shutdownGroups(shutdownPeriods(two), [pods[3]!]).map(({ graceSeconds }) => graceSeconds)).toEqual([10]);
  });

  it("gives a pod what it asks for, and no more than its group has", () => {
    expect(graceOf(pod("a", 0, 5).pod, { graceSeconds: 20 })).toBe(5);
    expect(graceOf(pod("a", 0, 60).pod, { graceSeconds: 20 })).toBe(20);
  });
});

it("logind's signal is known among others", () => {
  const line = (member: string, value: unknown): string =>
    JSON.stringify({ type: "signal", member, payload: { type: "b", data: [value] } });
  expect(prepareForShutdown(line("PrepareForShutdown", true))).toBe(true);
  expect(prepareForShutdown(line("PrepareForShutdown", false))).toBe(false);
  expect(prepareForShutdown(line("PrepareForSleep", true))).toBeUndefined();
  expect(prepareForShutdown("Monitoring bus message stream.")).toBeUndefined();
});

class Machine implements ShutdownPort {
  locks = 0;
  failures = 0;
  tell: (isGoingDown: boolean) => void = () => undefined;
  lose: (error: Error) => void = () => undefined;
  prepare = (wantedMs: number): Promise<number> =>
    this.failures-- > 0 ? Promise.reject(new Error("no bus")) : Promise.resolve(wantedMs);
  inhibit = () => {
    this.locks++;
    return Promise.resolve({ release: () => void this.locks-- });
  };
  watch = (changed: (isGoingDown: boolean) => void, lost: (error: Error) => void): (() => void) => {
    this.tell = changed;
    this.lose = lost;
    return () => undefined;
  };
}

describe("the manager", () => {
  const begin = (
    machine: Machine,
    pods: readonly Evictable[],
    log: string[],
    times?: ShutdownTimes,
  ): ShutdownManager => {
    const manager = new ShutdownManager({
      ...(times ? { times } : {}),
      settings: two,
      port: machine,
      pods: () => pods,
      onChange: (isGoingDown) => void log.push(`down ${isGoingDown}`),
      clock: { now: () => systemClock.now(), after: (ms, call) => systemClock.after(ms / 10, call) },
      onError: (attempted) => void log.push(`cannot ${attempted}`),
    });
    manager.start();
    return manager;
  };
  const running = (name: string, priority: number, log: string[]): Evictable => {
    let hasEnded = false;
    const { pod: own } = pod(name, priority);
    return {
      pod: own,
      isActive: true,
      get hasEnded() {
        return hasEnded;
      },
      evict: ({ reason, message }, graceSeconds) => {
        log.push(`${name} ${graceSeconds} ${reason}: ${message}`);
        setTimeout(() => (hasEnded = true), 30);
      },
    };
  };

  it("ends pods group by group, lets no others in, and lets the machine go then", async () => {
    const [machine, log]: [Machine, string[]] = [new Machine(), []];
    const manager = begin(machine, [running("critical", 2_000_000_000, log), running("web", 0, log)], log);
    await eventually("the lock", () => machine.locks === 1);
    expect(manager.rejection).toBeUndefined();
    machine.tell(true);
    expect(manager.problems).toEqual(["node is shutting down"]);
    expect(manager.rejection?.reason).toBe("NodeShutdown");
    expect(machine.locks).toBe(1);
    await eventually("the lock's end", () => machine.locks === 0);
    const words = "Terminated: Pod was terminated in response to imminent node shutdown.";
    expect(log).toEqual(["down true", `web 20 ${words}`, `critical 10 ${words}`]);
    machine.tell(false);
    await eventually("the lock again", () => machine.locks === 1);
    expect(manager.problems).toEqual([]);
    manager.stop();
    expect(machine.locks).toBe(0);
  });

  it("keeps when it was for who asks behind the machine's next start", async () => {
    const folder = mkdtempSync(path.join(tmpdir(), "fairlead-shutdown-"));
    const file = path.join(folder, "graceful_node_shutdown_state");
    const told: number[][] = [];
    const kept = (): ShutdownTimes =>
      new ShutdownTimes(file, { shutDown: (start, end) => void told.push([start, end]) }, () => undefined);
    const [machine, log]: [Machine, string[]] = [new Machine(), []];
    const manager = begin(machine, [running("web", 0, log)], log, kept());
    const beganSeconds = systemClock.now() / 1000;
    await eventually("the lock", () => machine.locks === 1);
    machine.tell(true);
    await eventually("the lock's end", () => machine.locks === 0);
    manager.stop();
    const [start, end] = told.at(-1)!;
    expect(start).toBeGreaterThanOrEqual(beganSeconds - 0.001);
    expect(end).toBeGreaterThan(start!);
    // While it went on, it had no end.
    expect(told.at(-2)).toEqual([start, 0]);
    await kept().load();
    expect(told.at(-1)).toEqual([start, end]);
    rmSync(folder, { recursive: true });
    await kept().load();
    expect(told.at(-1)).toEqual([0, 0]);
  });

  it("tries again where there is no bus, or it is lost", async () => {
    const [machine, log]: [Machine, string[]] = [new Machine(), []];
    machine.failures = 1;
    const manager = begin(machine, [], log);
    await eventually("the lock", () => machine.locks === 1);
    machine.lose(new Error("gone"));
    expect(machine.locks).toBe(0);
    await eventually("the lock again", () => machine.locks === 1);
    expect(log).toEqual(["cannot follow the machine's end", "cannot follow the machine's end"]);
    manager.stop();
  });
});

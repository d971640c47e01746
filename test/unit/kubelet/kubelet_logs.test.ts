/** Logs that are full make room, the older are packed and the oldest go; those that nobody owns go. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { gunzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { removeDeadLogs } from "../../../src/kubelet/logs/garbage.ts";
import { planRotation, rotatedName } from "../../../src/kubelet/logs/plan.ts";
import { LogRotator, removeLog } from "../../../src/kubelet/logs/rotator.ts";
import { FakeClock } from "../../fixtures/fake_clock.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "fairlead-logs-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("the plan of a rotation", () => {
  it("keeps as many as may be beside the two newest, and leaves nothing half done", () => {
    const names = ["0.log.3", "0.log.1.gz", "0.log.2.gz", "0.log.2", "0.log.3.tmp"];
    expect(planRotation(names, 5)).toEqual({ remove: ["0.log.2", "0.log.3.tmp"], compress: ["0.log.3"] });
    expect(planRotation(names, 3)).toEqual({
      remove: ["0.log.1.gz", "0.log.2.gz", "0.log.2", "0.log.3.tmp"],
      compress: ["0.log.3"],
    });
    expect(planRotation(names, 2).compress).toEqual([]);
    expect(rotatedName("0.log", Date.parse("2026-01-02T03:04:05.678Z"))).toBe("0.log.20260102-030405");
  });
});

describe("a log", () => {
  const clock = new FakeClock();
  const log = (): string => path.join(folder, "0.log");
  const rotator = (reopen: () => void, maxFiles = 3, maxBytes = 10): LogRotator =>
    new LogRotator({
      runtime: { reopenContainerLog: async () => reopen() },
      logs: () => [{ id: "c1", logPath: log() }],
      ...{ maxBytes, maxFiles, workers: 2, periodMs: 1000, clock },
      onError: (_, error) => {
        throw error;
      },
    });

  it("that is full is put aside, and what was put aside before is packed", async () => {
    const one = rotator(() => writeFileSync(log(), ""));
    for (const text of ["first of all", "second of all", "third of all", "fourth of all"]) {
      writeFileSync(log(), text);
      await one.turn();
      clock.advance(1000);
    }
    const names = readdirSync(folder).sort();
    expect(names).toHaveLength(3);
    expect(names[1]).toMatch(/^0\.log\.\d{8}-\d{6}\.gz$/);
    expect(gunzipSync(readFileSync(path.join(folder, names[1]!))).toString()).toBe("third of all");
    expect(readFileSync(path.join(folder, names[2]!), "utf8")).toBe("fourth of all");
    await removeLog(log());
    expect(readdirSync(folder)).toEqual([]);
  });

  it("of 10 GB costs a name, not a copy", async () => {
    writeFileSync(log(), "");
    truncateSync(log(), 10 * 2 ** 30);
    await rotator(() => writeFileSync(log(), "")).turn();
    expect(readdirSync(folder)).toHaveLength(2);
  });

  it("keeps its name where the runtime does not begin another", async () => {
    writeFileSync(log(), "more than ten bytes");
    const broken = rotator(() => {
      throw new Error("no");
    });
    await expect(broken.turn()).rejects.toThrow("no");
    expect(readdirSync(folder)).toEqual(["0.log"]);
  });

  it("that a rotation lost is begun again, and one that is not full stays", async () => {
    let reopened = 0;
    const one = rotator(() => reopened++);
    await one.turn();
    expect(reopened).toBe(1);
    writeFileSync(log(), "short");
    await one.turn();
    expect([reopened, readdirSync(folder)]).toEqual([1, ["0.log"]]);
  });
});

describe("logs of pods that are gone", () => {
  it("go, and so do links to them", async () => {
    const podLogs = path.join(folder, "pods");
    const links = path.join(folder, "containers");
    for (const name of ["default_a_uid-a", "default_b_uid-b"]) mkdirSync(path.join(podLogs, name), { recursive: true });
    mkdirSync(links);
    for (const [pod, id] of [
      ["a", "c1"],
      ["b", "c2"],
      ["a", "c3"],
    ]) {
      symlinkSync(path.join(podLogs, `default_${pod}_uid-${pod}`), path.join(links, `${pod}_default_main-${id}.log`));
    }
    symlinkSync("/nowhere", path.join(links, "a_default_main-c4.log"));
    await removeDeadLogs(
      { root: folder, podLogs },
      (uid) => uid === "uid-a",
      (id) => id === "c4",
    );
    expect(readdirSync(podLogs)).toEqual(["default_a_uid-a"]);
    expect(readdirSync(links).sort()).toEqual([
      "a_default_main-c1.log",
      "a_default_main-c3.log",
      "a_default_main-c4.log",
    ]);
    expect(existsSync(path.join(links, "b_default_main-c2.log"))).toBe(false);
  });
});

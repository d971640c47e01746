/** What `up` decides and says, without a machine. */
import { describe, expect, it } from "vitest";
import { normalizedName } from "../../../src/up/images/render.ts";
import { renderContainerd } from "../../../src/up/containerd/render.ts";
import type { Pod } from "../../../src/model/kubernetes.ts";
import { countPods, podsText } from "../../../src/up/pod_counts.ts";
import { overlap } from "../../../src/up/checks.ts";
import { takeWatcher } from "../../../src/cmd/watcher.ts";
import { instanceOf } from "../../../src/up/instance.ts";
import { renderBridge, renderPair } from "../../../src/up/nodes/render.ts";
import { Progress } from "../../../src/up/progress.ts";

describe("an instance", () => {
  it("of another data directory shares no place with the default one", () => {
    const [one, other] = [instanceOf("/var/lib/fairlead"), instanceOf("/srv/fairlead")];
    expect(one.runDir).toBe("/run/fairlead");
    expect(one.cgroupRoot).toBe("/fairlead");
    expect(other.cgroupRoot).toMatch(/^\/fairlead-[0-9a-f]{6}$/);
    expect(other.containerd.socket).toBe(`/run${other.cgroupRoot}/containerd.sock`);
  });
});

describe("the nodes of one machine", () => {
  it("have the same link addresses whichever of them are there", () => {
    const network = "10.245.0.0/24";
    expect(renderBridge(network)).toMatchObject({ value: { address: "0a:58:0a:f5:00:01" } });
    expect(renderPair(network, 3, 9, 4)).toMatchObject({ value: { info: { peer: { address: "0a:58:0a:f5:00:03" } } } });
  });
});

describe("the watcher of `up`", () => {
  const at = (text: string): NodeJS.ProcessEnv => ({ FAIRLEAD_WATCHER: text, FAIRLEAD_WOKEN: "change" });

  it("is the parent by its number, and nobody further down hears of it", () => {
    const environment = at(`${process.ppid} 3`);
    expect(takeWatcher(environment)).toMatchObject({ pid: process.ppid, woken: "change" });
    expect(environment).toEqual({});
  });

  it("is nobody's who has another parent, or none that says so", () => {
    expect(takeWatcher(at(`${process.ppid + 1} 3`))).toBeUndefined();
    expect(takeWatcher({})).toBeUndefined();
  });
});

describe("ranges", () => {
  it.each([
    ["10.96.0.0/12", "10.99.0.2/24", true],
    ["10.96.0.0/12", "10.112.0.1/16", false],
    ["10.244.0.0/16", "10.0.0.5/8", true],
    ["10.244.0.0/16", "fd00::1/64", false],
  ])("%s and %s overlap: %s", (a, b, expected) => {
    expect(overlap(a, b)).toBe(expected);
    expect(overlap(b, a)).toBe(expected);
  });
});

describe("containerd's configuration", () => {
  it("asks runc for no lower oom_score_adj where nobody may have one", () => {
    const text = (mayLowerOomScore: boolean): string =>
      renderContainerd(instanceOf("/x"), { mayLowerOomScore, hasAppArmor: false, sandboxImage: "p:1" });
    expect(text(false)).toContain("restrict_oom_score_adj = true");
    expect(text(true)).toContain("restrict_oom_score_adj = false");
    expect(text(true)).toContain("disable_apparmor = true");
  });
});

describe("names of images", () => {
  it.each([
    ["web", "docker.io/library/web:latest"],
    ["me/web:2", "docker.io/me/web:2"],
    ["localhost/web", "localhost/web:latest"],
    ["registry:5000/web", "registry:5000/web:latest"],
    ["ghcr.io/a/b@sha256:0", "ghcr.io/a/b@sha256:0"],
  ])("%s is %s", (name, whole) => {
    expect(normalizedName(name)).toBe(whole);
  });
});

describe("progress", () => {
  const said = async (format: "plain" | "json"): Promise<string> => {
    let [text, now] = ["", 0];
    const progress = new Progress(format, { write: (part) => (text += part) }, () => now);
    await progress.step(
      "containerd",
      () => Promise.resolve((now += 1234)),
      (result) => `took ${result}`,
    );
    const failing = (): Promise<never> => Promise.reject(new Error("no"));
    await progress.step("node", failing).catch(() => undefined);
    return text;
  };

  it("is a line a step, with its time", async () => {
    expect(await said("plain")).toBe("✓ containerd            1.2 s  took 1234\n✗ node                  0.0 s\n");
  });

  it("is JSON for machines", async () => {
    const [one, two] = (await said("json"))
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as object);
    expect(one).toEqual({ step: "containerd", ms: 1234, outcome: "ok", detail: "took 1234", atMs: 1234 });
    expect(two).toMatchObject({ step: "node", outcome: "failed" });
  });
});

describe("pods, as status counts them", () => {
  const podOf = (name: string, status: object, metadata: object = {}): Pod =>
    ({ metadata: { name, namespace: "default", ...metadata }, status }) as unknown as Pod;
  const ready = (status: string, reason?: string) => [{ type: "Ready", status, reason }];

  it("are ready by their condition, whatever their phase", () => {
    const counts = countPods([
      podOf("a", { phase: "Running", conditions: ready("True") }),
      podOf("b", {
        phase: "Running",
        conditions: ready("False", "ContainersNotReady"),
        containerStatuses: [{ state: { waiting: { reason: "ContainerCreating" } } }],
      }),
      podOf("c", { phase: "Running", conditions: ready("False", "ContainersNotReady") }),
      podOf("d", { conditions: [{ type: "PodScheduled", status: "False", reason: "Unschedulable" }] }),
      podOf("e", { phase: "Succeeded", conditions: ready("False", "PodCompleted") }),
      podOf("f", { phase: "Failed" }),
      podOf("g", { phase: "Running", conditions: ready("True") }, { deletionTimestamp: "2026-01-01T00:00:00Z" }),
    ]);
    const unready = ["default/b: ContainerCreating", "default/c: ContainersNotReady", "default/d: Unschedulable"];
    expect(counts).toEqual({ ready: 1, succeeded: 1, failed: 1, ending: 1, unready });
    const lines = ["1 ready, 3 not ready, 1 succeeded, 1 failed, 1 ending", ...unready.map((text) => `    ${text}`)];
    expect(podsText(counts)).toBe(lines.join("\n"));
  });
});

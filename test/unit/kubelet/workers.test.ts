/** Pods on the runtime in memory: none waits for another, and what fails is tried again. */
import { existsSync, readdirSync } from "node:fs";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { FairleadError } from "../../../src/errors/catalogue.ts";
import { sandboxConfig } from "../../../src/kubelet/pods/render/sandbox.ts";
import type { Pod } from "../../../src/model/kubernetes.ts";
import { eventually } from "../../fixtures/eventually.ts";
import { WorkerNode } from "../../fixtures/worker_node.ts";

let node: WorkerNode;
beforeEach(() => {
  node = new WorkerNode();
});
afterEach(() => node.stop());

const forever = (): Promise<void> => new Promise(() => undefined);
const deletedNow = (pod: Pod): Pod => ({
  ...pod,
  metadata: { ...pod.metadata, deletionTimestamp: "2026-01-01T12:00:00Z", deletionGracePeriodSeconds: 1 },
});

describe("pods", () => {
  it("are run and said to be ready", async () => {
    node.begin(node.pod("a"));
    await eventually("readiness", () => node.ready("a"));
    expect(node.phase("a")).toBe("Running");
    expect(node.runtime.calls).toEqual(["RunPodSandbox a", "CreateContainer a", "StartContainer a"]);
  });

  it("are started by the calls that this takes, and no more", async () => {
    node.begin(node.pod("a"));
    await eventually("readiness", () => node.ready("a"));
    const calls = node.asked.filter((call) => call !== "API patch");
    // What each of them tells is needed: the image's id, the sandbox's addresses, when the container began.
    expect(calls.toSorted()).toEqual(
      [
        "imageStatus",
        "runPodSandbox",
        "podSandboxStatus",
        "createContainer",
        "startContainer",
        "containerStatus",
      ].toSorted(),
    );
    // That it was taken, that its sandbox is there, that it is ready.
    expect(node.asked.length - calls.length).toBeLessThanOrEqual(3);
    expect(node.events).toEqual(["Pulled a", "Created a", "Started a"]);
    // Nothing comes behind it: what it said of itself moves nothing.
    const before = node.asked.length;
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(node.asked).toHaveLength(before);
  });

  it("get ready what their container needs while their sandbox is made, once", async () => {
    let answer = (): void => undefined;
    node.runtime.holds.set("RunPodSandbox", () => new Promise<void>((resolve) => (answer = resolve)));
    node.begin(node.pod("a"));
    const folder = path.join(node.settings.folders.root, "pods/uid-a/containers/a");
    await eventually("a file for its last words", () => existsSync(folder) && readdirSync(folder).length === 1);
    expect(node.runtime.calls).toEqual(["RunPodSandbox a"]);
    answer();
    await eventually("readiness", () => node.ready("a"));
    expect(readdirSync(folder)).toHaveLength(1);
  });

  it.each(["RunPodSandbox", "CreateContainer", "StartContainer", "StopContainer"])(
    "do not wait for one whose %s never answers",
    async (call) => {
      const stuck = node.begin(node.pod("stuck"));
      if (call === "StopContainer") {
        await eventually("readiness", () => node.ready("stuck"));
        node.runtime.holds.set(call, forever);
        stuck.update(deletedNow(stuck.state.pod));
      } else {
        node.runtime.holds.set(call, () =>
          node.runtime.calls.at(-1)?.endsWith("stuck") ? forever() : Promise.resolve(),
        );
      }
      await eventually("the call", () => node.runtime.calls.includes(`${call} stuck`));
      node.begin(node.pod("other"));
      await eventually("the other's readiness", () => node.ready("other"));
      expect(node.deleted).toEqual([]);
    },
  );

  it("end although a status met another writer's", async () => {
    const pod = node.pod("a");
    const worker = node.begin(pod);
    await eventually("readiness", () => node.ready("a"));
    node.conflicts = 2;
    worker.update(deletedNow(pod));
    await eventually("the end", () => node.deleted.includes("end a"));
    expect(node.conflicts).toBe(0);
    expect(node.phase("a")).toBe("Failed");
  });

  it("end although the API will not have their status, and tell the last of it", async () => {
    const pod = node.pod("refused");
    const worker = node.begin(pod);
    await eventually("readiness", () => node.ready("refused"));
    node.refusesStatus = true;
    const before = node.asked.filter((what) => what === "API patch").length;
    worker.update(deletedNow(pod));
    await eventually("the end", () => node.deleted.includes("end refused"));
    expect(node.deleted).toEqual(["delete refused", "end refused"]);
    // Not given up unasked: what was to be written last was tried.
    expect(node.asked.filter((what) => what === "API patch").length).toBeGreaterThan(before);
  });

  it("are deleted again past another writer's conflict", async () => {
    const pod = node.pod("a");
    const worker = node.begin(pod);
    await eventually("readiness", () => node.ready("a"));
    node.deleteConflicts = 2;
    worker.update(deletedNow(pod));
    await eventually("the end", () => node.deleted.includes("end a"));
    expect(node.deleted).toEqual(["delete a", "end a"]);
  });

  it("whose name is another's by now leave that alone", async () => {
    const pod = node.pod("a");
    const worker = node.begin(pod);
    await eventually("readiness", () => node.ready("a"));
    node.deleteConflicts = Infinity;
    node.uidThere = () => "another";
    worker.update(deletedNow(pod));
    await eventually("the end", () => node.deleted.includes("end a"));
    expect(node.deleted).toEqual(["end a"]);
  });

  it("end only once the runtime has said that nothing of them is there", async () => {
    const pod = node.pod("a");
    let go = (): void => undefined;
    node.runtime.holds.set("RunPodSandbox", () => new Promise((_, reject) => (go = () => reject(gone))));
    const gone = new FairleadError("CRI_UNAVAILABLE", { subject: "RunPodSandbox", reason: "killed" });
    const worker = node.begin(pod);
    await eventually("the call", () => node.runtime.calls.includes("RunPodSandbox a"));
    // What it was asked for it makes all the same, and tells nobody.
    node.runtime.holds.clear();
    await node.runtime.runPodSandbox(sandboxConfig(pod, 0, node.settings));
    go();
    worker.update(deletedNow(pod));
    await eventually("the end", () => node.deleted.includes("end a"));
    expect(await node.runtime.listPodSandboxes()).toEqual([]);
  });

  it("are tried again where the runtime refuses", async () => {
    let refusals = 2;
    node.runtime.holds.set("RunPodSandbox", async () => {
      if (refusals-- > 0) throw new FairleadError("CRI_REFUSED", { subject: "RunPodSandbox", reason: "no network" });
    });
    node.begin(node.pod("a"));
    await eventually("readiness", () => node.ready("a"));
    expect(node.events.filter((event) => event === "FailedCreatePodSandBox a")).toHaveLength(2);
  });

  it("end, with all that they had, before their object goes", async () => {
    const pod = node.pod("a");
    const worker = node.begin(pod);
    await eventually("readiness", () => node.ready("a"));
    worker.update(deletedNow(pod));
    await eventually("the end", () => node.deleted.includes("end a"));
    expect(node.deleted).toEqual(["delete a", "end a"]);
    expect(await node.runtime.listPodSandboxes()).toEqual([]);
    expect(await node.runtime.listContainers()).toEqual([]);
    expect(node.phase("a")).toBe("Failed");
    expect(node.ready("a")).toBe(false);
  });

  it("that are deleted while their sandbox is made leave none", async () => {
    let go = (): void => undefined;
    node.runtime.holds.set("RunPodSandbox", () => new Promise((resolve) => (go = resolve)));
    const pod = node.pod("a");
    const worker = node.begin(pod);
    await eventually("the call", () => node.runtime.calls.includes("RunPodSandbox a"));
    worker.update(deletedNow(pod));
    go();
    await eventually("the end", () => node.deleted.includes("end a"));
    expect(await node.runtime.listPodSandboxes()).toEqual([]);
    expect(node.runtime.calls).not.toContain("StartContainer a");
  });

  it("crash, wait longer each time, and come back", async () => {
    node.begin(node.pod("a"));
    await eventually("readiness", () => node.ready("a"));
    // The first wait is short: on a machine with much else to do it may be over before it is seen.
    for (const restarts of [1, 2, 3, 4]) {
      node.runtime.exit("a", 1);
      await eventually(`restart ${restarts}`, () => {
        const [status] = node.statuses.get("a")?.containerStatuses ?? [];
        return status?.restartCount === restarts && status.ready;
      });
    }
    expect(node.events.filter((event) => event === "BackOff a").length).toBeGreaterThanOrEqual(2);
    expect(await node.runtime.listContainers()).toHaveLength(2);
  });

  it("past their deadline fail, and keep their object", async () => {
    node.begin(node.pod("a", undefined, { activeDeadlineSeconds: 1, terminationGracePeriodSeconds: 0 }));
    await eventually("the deadline", () => node.phase("a") === "Failed");
    expect(node.statuses.get("a")).toMatchObject({ reason: "DeadlineExceeded" });
    expect(node.deleted).toEqual([]);
  });

  it("are taken as they are by a kubelet that begins anew", async () => {
    const pod = node.pod("a");
    const first = node.begin(pod);
    await eventually("readiness", () => node.ready("a"));
    first.stop();
    const calls = node.runtime.calls.length;
    const status = node.statuses.get("a")!;
    const [sandboxes, containers] = await Promise.all([node.runtime.listPodSandboxes(), node.runtime.listContainers()]);
    const second = node.begin({ ...pod, status }, { sandboxes, containers });
    await eventually("what it found", () => second.state.observed.containers.length === 1 && second.state.volumes);
    // What it would do, it would have begun by the time that its volumes are there.
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(node.runtime.calls).toHaveLength(calls);
    expect(node.ready("a")).toBe(true);
  });
});

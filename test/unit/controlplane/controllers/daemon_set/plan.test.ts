/** One pod on each node, what becomes of those that end, and updates. */
import { describe, expect, it } from "vitest";
import { FailedPodBackoff } from "../../../../../src/controlplane/controllers/daemon_set/backoff.ts";
import { nowMs, podOf } from "../../../../fixtures/workloads.ts";
import { changes, former, nodeOf, nodes, onNode, planned, present, revisionOf, unbound } from "./shapes.ts";

const evicting = { taints: [{ key: "k", effect: "NoExecute" }] };
const keeping = { taints: [{ key: "k", effect: "NoSchedule" }] };

describe("pods", () => {
  it("are made on all nodes without one, and nowhere else", () => {
    expect(changes(planned({}, {}))).toEqual({ made: ["n0", "n1", "n2"], gone: [] });
    const pods = [onNode("n0", present), unbound("n1")];
    expect(changes(planned({}, { pods }))).toEqual({ made: ["n2"], gone: [] });
    const some = [nodeOf("n0", keeping), nodeOf("n1", evicting), nodeOf("n2")];
    expect(changes(planned({}, { nodes: some })).made).toEqual(["n2"]);
  });

  it("go from nodes where they may not stay", () => {
    const some = [nodeOf("n0", keeping), nodeOf("n1", evicting)];
    const pods = [onNode("n0", present, { name: "kept" }), onNode("n1", present, { name: "evicted" })];
    expect(changes(planned({}, { nodes: some, pods })).gone).toEqual(["evicted"]);
  });

  it("are waited for while they end", () => {
    const pods = [onNode("n0", present, { deletedMs: nowMs })];
    expect(changes(planned({}, { nodes: nodes(1), pods }))).toEqual({ made: [], gone: [] });
    const ended = [onNode("n0", present, { deletedMs: nowMs, phase: "Failed" })];
    expect(changes(planned({}, { nodes: nodes(1), pods: ended })).made).toEqual(["n0"]);
  });

  it("that are too many go, the oldest that has its node stays", () => {
    const pods = [
      onNode("n0", present, { name: "younger", createdMs: nowMs - 1000 }),
      { ...unbound("n0"), metadata: podOf({ name: "unbound", createdMs: nowMs - 9000 }).metadata },
      onNode("n0", present, { name: "older", createdMs: nowMs - 5000 }),
    ];
    expect(changes(planned({}, { nodes: nodes(1), pods })).gone).toEqual(["younger", "unbound"]);
  });

  it("for nodes that are gone go where they were never bound", () => {
    const bound = onNode("gone", present);
    const never = unbound("gone");
    expect(changes(planned({}, { nodes: [], pods: [bound, never] })).gone).toEqual([never.metadata.name]);
  });

  it("are made and deleted 250 at a time", () => {
    expect(changes(planned({}, { nodes: nodes(400) })).made).toHaveLength(250);
    const pods = nodes(400).map(({ metadata }) => onNode(metadata.name, present));
    const all = nodes(400).map(({ metadata }) => nodeOf(metadata.name, evicting));
    expect(changes(planned({}, { nodes: all, pods })).gone).toHaveLength(250);
  });

  it("are left alone by a set that is being deleted", () => {
    expect(planned({ deleted: true }, {})).toEqual({ steps: [], failedOn: [] });
  });
});

describe("pods that ended", () => {
  const failed = onNode("n0", present, { name: "failed", phase: "Failed" });

  it("are deleted, and told of", () => {
    const done = onNode("n1", present, { name: "done", phase: "Succeeded" });
    const { steps, failedOn } = planned({}, { pods: [failed, done], nodes: nodes(2) });
    expect(failedOn).toEqual(["n0"]);
    expect(changes({ steps, failedOn }).gone).toEqual(["failed", "done"]);
    expect(steps.filter(({ kind }) => kind === "tell")).toEqual([
      {
        kind: "tell",
        type: "Warning",
        reason: "FailedDaemonPod",
        message: "Found failed daemon pod default/failed on node n0, will try to kill it",
      },
      {
        kind: "tell",
        type: "Normal",
        reason: "SucceededDaemonPod",
        message: "Found succeeded daemon pod default/done on node n1, will try to delete it",
      },
    ]);
  });

  it("are left for a while where pods fail again and again", () => {
    const waiting = planned({}, { pods: [failed], nodes: nodes(1), backOffMs: () => 4000 });
    expect(changes(waiting)).toEqual({ made: [], gone: [] });
    expect(waiting).toMatchObject({ failedOn: [], againAfterMs: 4000 });
  });

  it("are left for twice as long each time, up to 15 minutes, and anew for a new generation", () => {
    const backoff = new FailedPodBackoff();
    expect(backoff.remainingMs("n0", 1, 0)).toBe(0);
    const delays: number[] = [];
    let now = 0;
    for (let i = 0; i < 12; i++) {
      backoff.next("n0", 1, now);
      const ms = backoff.remainingMs("n0", 1, now);
      delays.push(ms);
      now += ms;
    }
    expect(delays.slice(0, 4)).toEqual([1000, 2000, 4000, 8000]);
    expect(delays.at(-1)).toBe(15 * 60_000);
    expect(backoff.remainingMs("n1", 1, now)).toBe(0);
    backoff.next("n0", 1, now + 31 * 60_000);
    expect(backoff.remainingMs("n0", 1, now + 31 * 60_000)).toBe(1000);
    expect(backoff.remainingMs("n0", 2, now + 31 * 60_000)).toBe(0);
  });
});

describe("a rolling update", () => {
  const down = (node: string, hash: string, name: string) => onNode(node, hash, { name });
  const up = (node: string, hash: string, name = `${node}-${hash}`) =>
    onNode(node, hash, { name, readyMs: nowMs - 60_000 });
  const old = ["n0", "n1", "n2"].map((node) => up(node, former));

  it("takes as many as may lack", () => {
    expect(changes(planned({}, { pods: old })).gone).toHaveLength(1);
    expect(changes(planned({ unavailable: 2 }, { pods: old })).gone).toHaveLength(2);
    expect(changes(planned({ unavailable: "40%" }, { pods: old })).gone).toHaveLength(2);
    expect(changes(planned({ unavailable: 0 }, { pods: old })).gone).toHaveLength(1);
  });

  it("waits for the new ones to be available", () => {
    const pods = [down("n0", present, "starting"), old[1]!, old[2]!];
    expect(changes(planned({}, { pods })).gone).toEqual([]);
    expect(changes(planned({}, { pods: [up("n0", present), old[1]!, old[2]!] })).gone).toEqual(["n1-former"]);
    const fresh = onNode("n0", present, { readyMs: nowMs - 5000 });
    const soon = planned({ minReadySeconds: 30 }, { pods: [fresh, old[1]!, old[2]!] });
    expect(changes(soon).gone).toEqual([]);
    expect(soon.againAfterMs).toBe(25_000);
  });

  it("takes all old ones that are not available anyway", () => {
    const pods = [down("n0", former, "a"), down("n1", former, "b"), old[2]!];
    expect(changes(planned({}, { pods })).gone).toEqual(["a", "b"]);
  });

  it("leaves them where they are deleted by hand", () => {
    expect(changes(planned({ updateStrategy: { type: "OnDelete" } }, { pods: old })).gone).toEqual([]);
  });

  it("begins when every node has its pod", () => {
    expect(changes(planned({}, { pods: old.slice(1) }))).toEqual({ made: ["n0"], gone: [] });
  });

  describe("with a surge", () => {
    const surge = { unavailable: 0, surge: 1 };

    it("puts the new one beside the old one, on so many nodes at a time", () => {
      expect(changes(planned(surge, { pods: old }))).toEqual({ made: ["n0"], gone: [] });
      expect(changes(planned({ ...surge, surge: "50%" }, { pods: old })).made).toEqual(["n0", "n1"]);
      expect(changes(planned(surge, { pods: [...old, down("n0", present, "starting")] }))).toEqual({
        made: [],
        gone: [],
      });
    });

    it("takes the old one when the new one is available, or itself is ready no more", () => {
      expect(changes(planned(surge, { pods: [...old, up("n0", present)] }))).toEqual({ made: [], gone: ["n0-former"] });
      const broken = [down("n0", former, "broken"), old[1]!, old[2]!, down("n0", present, "starting")];
      expect(changes(planned(surge, { pods: broken })).gone).toEqual(["broken"]);
    });

    it("replaces at once what is not available", () => {
      const pods = [down("n0", former, "a"), down("n1", former, "b"), old[2]!];
      expect(changes(planned(surge, { pods })).made).toEqual(["n0", "n1", "n2"]);
      const busy = [...pods, down("n2", present, "starting")];
      expect(changes(planned(surge, { pods: busy })).made).toEqual(["n0", "n1"]);
    });

    it("keeps the old one on a node that the set leaves until another is up elsewhere", () => {
      const places = [nodeOf("n0", keeping), nodeOf("n1")];
      const before = planned(surge, { nodes: places, pods: [up("n0", former), down("n1", present, "starting")] });
      expect(changes(before).gone).toEqual([]);
      const after = planned(surge, { nodes: places, pods: [up("n0", former), up("n1", present)] });
      expect(changes(after).gone).toEqual(["n0-former"]);
    });
  });
});

describe("revisions", () => {
  it("begin with the template's own, whose hash pods carry", () => {
    const { steps } = planned({ status: { collisionCount: 2 } }, { revisions: [revisionOf(former, 3)] });
    const [made, pods] = steps;
    if (made?.kind !== "create-revision" || pods?.kind !== "create-pods") throw new Error("nothing is made");
    expect(made.revision).toMatchObject({
      metadata: { name: `web-${pods.hash}`, labels: { app: "web", "controller-revision-hash": pods.hash } },
      revision: 4,
      data: { spec: { template: { $patch: "replace", spec: { containers: [{ image: "web:new" }] } } } },
    });
  });

  it("of a template that is back become the newest again", () => {
    const revisions = [revisionOf(present, 1), revisionOf(former, 2)];
    expect(planned({}, { revisions }).steps[0]).toMatchObject({
      kind: "update-revision",
      number: 3,
      revision: { revision: 1 },
    });
  });

  it("of one template are made one", () => {
    const twin = { ...revisionOf("twin", 1, { image: "web:new" }) };
    const pods = [onNode("n0", "twin", { name: "twin-pod", readyMs: 0 })];
    const { steps } = planned({}, { nodes: nodes(1), revisions: [twin, revisionOf(present, 2)], pods });
    expect(steps.slice(0, 2)).toMatchObject([
      { kind: "label-pod", pod: { metadata: { name: "twin-pod" } }, hash: present },
      { kind: "delete-revision", revision: { metadata: { name: "web-twin" } } },
    ]);
  });

  it("without their label get their name as such", () => {
    const bare = revisionOf(former, 1, { labels: {} });
    expect(planned({}, { revisions: [bare, revisionOf(present, 2)] }).steps[0]).toMatchObject({
      kind: "update-revision",
      labels: { "controller-revision-hash": "web-former" },
    });
  });

  it("beyond the limit go, but for those that pods are of", () => {
    const revisions = [revisionOf("a", 1), revisionOf("b", 2), revisionOf("c", 3), revisionOf(present, 4)];
    const pods = ["n0", "n1", "n2"].map((node) => onNode(node, "a"));
    const gone = (revisionHistoryLimit: number) =>
      planned({ revisionHistoryLimit, updateStrategy: { type: "OnDelete" } }, { revisions, pods }).steps.map(
        (step) => step.kind === "delete-revision" && step.revision.metadata.name,
      );
    expect(gone(1)).toEqual(["web-b", "web-c"]);
    expect(gone(2)).toEqual(["web-b"]);
    expect(gone(3)).toEqual([]);
  });
});

describe("the status", () => {
  it("counts nodes", () => {
    const places = [...nodes(4), nodeOf("left", evicting)];
    const pods = [
      onNode("n0", present),
      onNode("n1", former),
      onNode("n2", present, { phase: "Pending" }),
      onNode("left", former),
    ];
    expect(planned({ status: { collisionCount: 1 } }, { nodes: places, pods }).status).toEqual({
      desiredNumberScheduled: 4,
      currentNumberScheduled: 3,
      numberMisscheduled: 1,
      numberReady: 2,
      numberAvailable: 2,
      numberUnavailable: 2,
      updatedNumberScheduled: 2,
      observedGeneration: 1,
      collisionCount: 1,
    });
  });
});

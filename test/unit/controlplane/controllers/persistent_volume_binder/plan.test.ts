/** What upstream checks of binding (pkg/controller/volume/persistentvolume/{binder,provision,delete,index}_test.go). */
import { describe, expect, it } from "vitest";
import {
  claimedVolume,
  filledClaim,
  inClaimPhase,
  unbound,
} from "../../../../../src/controlplane/controllers/persistent_volume_binder/bind.ts";
import {
  planClaim,
  planVolume,
  type ClaimView,
} from "../../../../../src/controlplane/controllers/persistent_volume_binder/plan.ts";
import {
  bestMatch,
  defaultClass,
} from "../../../../../src/controlplane/controllers/persistent_volume_binder/volumes.ts";
import { claimOf, classNamed, refOf, volumeOf } from "../../../../fixtures/volume_objects.ts";
import { pod } from "../../../../fixtures/service_objects.ts";

const delayed = classNamed("late", { volumeBindingMode: "WaitForFirstConsumer" });
const provisioned = { "pv.kubernetes.io/provisioned-by": "example.com/disk" };
const completed = { "pv.kubernetes.io/bind-completed": "yes" };

describe("the volume that fits best", () => {
  const claim = claimOf("c");
  const pick = (volumes: Parameters<typeof bestMatch>[1], of = claim, late = false): string | undefined =>
    bestMatch(of, volumes, late)?.metadata.name;

  it.each([
    [
      "is the smallest that is large enough",
      [volumeOf("s", { size: "1Gi" }), volumeOf("l", { size: "20Gi" }), volumeOf("m", { size: "5Gi" })],
      "m",
    ],
    [
      "has the fewest access modes",
      [volumeOf("a", { size: "6Gi", accessModes: ["ReadWriteOnce", "ReadOnlyMany"] }), volumeOf("b", { size: "9Gi" })],
      "b",
    ],
    ["has the modes that are asked for", [volumeOf("a", { accessModes: ["ReadOnlyMany"] })], undefined],
    ["is of the same class", [volumeOf("a", { storageClassName: "fast" })], undefined],
    ["is of the same volumeMode", [volumeOf("a", { volumeMode: "Block" })], undefined],
    ["is free", [volumeOf("a", { claimRef: refOf(claimOf("other")) })], undefined],
    ["is available", [volumeOf("a", {}, "Released"), volumeOf("b", {}, "Pending")], undefined],
    [
      "is not being deleted",
      [volumeOf("a", {}, "Available", { deletionTimestamp: "2026-01-01T00:00:00Z" })],
      undefined,
    ],
    [
      "is the one reserved for it, though another is smaller",
      [volumeOf("a"), volumeOf("b", { size: "50Gi", claimRef: refOf(claim, "") })],
      "b",
    ],
    [
      "is not reserved for one of the same name that is gone",
      [volumeOf("a", { claimRef: refOf(claim, "old-uid") })],
      undefined,
    ],
    [
      "is the one reserved, large enough or none",
      [volumeOf("a", { size: "1Gi", claimRef: refOf(claim, "") })],
      undefined,
    ],
  ])("%s", (_, volumes, expected) => {
    expect(pick(volumes)).toBe(expected);
  });

  it("has the labels that are asked for", () => {
    const labelled = volumeOf("a", {}, "Available", { labels: { disk: "ssd" } });
    const choosy = claimOf("c", { selector: { matchLabels: { disk: "ssd" } } });
    expect(pick([volumeOf("b", { size: "1Ki" }), volumeOf("c"), labelled], choosy)).toBe("a");
  });

  it("is left to the scheduler where it has to wait, but for one that is reserved", () => {
    expect(pick([volumeOf("a")], claim, true)).toBeUndefined();
    expect(pick([volumeOf("a"), volumeOf("b", { claimRef: refOf(claim) })], claim, true)).toBe("b");
  });
});

describe("a claim", () => {
  const view = (claim: ClaimView["claim"], rest: Partial<ClaimView> = {}): ClaimView => ({
    claim,
    volume: (name) => rest.candidates?.find(({ metadata }) => metadata.name === name),
    candidates: [],
    class: (name) => (name === "late" ? delayed : name === "fast" ? classNamed("fast") : undefined),
    defaultClass: undefined,
    pods: [],
    ...rest,
  });
  const event = (type: string, reason: string, message: string) => ({
    kind: "event",
    event: { type, reason, message },
  });
  const pending = { kind: "claim-phase", phase: "Pending" };

  it("is bound to what fits", () => {
    const volume = volumeOf("v");
    expect(planClaim(view(claimOf("c"), { candidates: [volume] }))).toEqual([{ kind: "bind", volume }]);
  });

  it("waits where nothing fits and it has no class", () => {
    const message = "no persistent volumes available for this claim and no storage class is set";
    expect(planClaim(view(claimOf("c")))).toEqual([event("Normal", "FailedBinding", message), pending]);
  });

  it("gets the default class when it has said nothing of one", () => {
    const { storageClassName: _, ...spec } = claimOf("c").spec;
    const open = { ...claimOf("c"), spec };
    const fast = classNamed("fast");
    expect(planClaim(view(open, { defaultClass: fast }))).toMatchObject([
      { kind: "update-claim", claim: { spec: { storageClassName: "fast" } } },
    ]);
    // The empty class is a wish.
    expect(planClaim(view(claimOf("c"), { defaultClass: fast }))).toMatchObject([{ kind: "event" }, pending]);
  });

  it("waits for its first consumer", () => {
    const claim = claimOf("c", { storageClassName: "late" });
    const first = "waiting for first consumer to be created before binding";
    expect(planClaim(view(claim))).toEqual([event("Normal", "WaitForFirstConsumer", first), pending]);
    const { nodeName: _, ...spec } = pod("p").spec;
    const unscheduled = { ...pod("p", { phase: "Pending" }), spec };
    expect(planClaim(view(claim, { pods: [unscheduled] }))).toEqual([
      event("Normal", "WaitForPodScheduled", "waiting for pod p to be scheduled"),
      pending,
    ]);
  });

  it("asks its provisioner, at once or once its pod has a node", () => {
    const marks = {
      "volume.kubernetes.io/storage-provisioner": "example.com/disk",
      "volume.beta.kubernetes.io/storage-provisioner": "example.com/disk",
    };
    const soon = planClaim(view(claimOf("c", { storageClassName: "fast" })));
    expect(soon).toMatchObject([
      { kind: "update-claim", claim: { metadata: { annotations: marks } } },
      { kind: "event", event: { type: "Normal", reason: "ExternalProvisioning" } },
      pending,
    ]);
    const node = { "volume.kubernetes.io/selected-node": "n1" };
    const late = planClaim(view(claimOf("c", { storageClassName: "late" }, node)));
    expect(late[0]).toMatchObject({
      kind: "update-claim",
      claim: { metadata: { annotations: { ...node, ...marks } } },
    });
    const asked = planClaim(view(claimOf("c", { storageClassName: "fast" }, marks)));
    expect(asked.map(({ kind }) => kind)).toEqual(["event", "claim-phase"]);
  });

  it("of a class that is not there says so", () => {
    const message = 'storageclass.storage.k8s.io "gone" not found';
    expect(planClaim(view(claimOf("c", { storageClassName: "gone" })))).toEqual([
      event("Warning", "ProvisioningFailed", message),
      pending,
    ]);
  });

  it("that names a volume is bound to that one or none", () => {
    const claim = claimOf("c", { volumeName: "v" });
    expect(planClaim(view(claim))).toEqual([pending]);
    const fitting = volumeOf("v");
    expect(planClaim(view(claim, { candidates: [fitting] }))).toEqual([{ kind: "bind", volume: fitting }]);
    const taken = volumeOf("v", { claimRef: refOf(claimOf("other")) });
    expect(planClaim(view(claim, { candidates: [taken] }))).toEqual([
      event("Warning", "FailedBinding", 'volume "v" already bound to a different claim.'),
      pending,
    ]);
  });

  it.each([
    ["requested PV is too small", { size: "1Gi" }],
    ["storageClassName does not match", { storageClassName: "fast" }],
    ["incompatible volumeMode", { volumeMode: "Block" }],
    ["incompatible accessMode", { accessModes: ["ReadOnlyMany"] }],
  ])("that names a volume that does not fit is told: %s", (why, spec) => {
    const claim = claimOf("c", { volumeName: "v" });
    expect(planClaim(view(claim, { candidates: [volumeOf("v", spec)] }))).toEqual([
      event("Warning", "VolumeMismatch", `Cannot bind to requested volume "v": ${why}`),
      pending,
    ]);
  });

  it.each([
    [
      "its volume's name",
      claimOf("c", {}, completed),
      [],
      "ClaimLost",
      "Bound claim has lost reference to PersistentVolume. Data on the volume is lost!",
    ],
    [
      "its volume",
      claimOf("c", { volumeName: "v" }, completed),
      [],
      "ClaimLost",
      "Bound claim has lost its PersistentVolume. Data on the volume is lost!",
    ],
    [
      "it to another",
      claimOf("c", { volumeName: "v" }, completed),
      [volumeOf("v", { claimRef: refOf(claimOf("other")) })],
      "ClaimMisbound",
      "Two claims are bound to the same volume, this one is bound incorrectly",
    ],
  ])("that was bound and has lost %s is lost", (_, claim, candidates, reason, message) => {
    expect(planClaim(view(claim, { candidates }))).toEqual([
      { kind: "claim-phase", phase: "Lost", event: { type: "Warning", reason, message } },
    ]);
  });
});

describe("a volume", () => {
  const claim = claimOf("c", { volumeName: "v" });
  const bound = refOf(claim);

  it.each([
    ["without a claim is available", volumeOf("v"), undefined, [{ kind: "volume-phase", phase: "Available" }]],
    [
      "that is reserved is available",
      volumeOf("v", { claimRef: refOf(claim, "") }),
      undefined,
      [{ kind: "volume-phase", phase: "Available" }],
    ],
    ["of its claim is bound", volumeOf("v", { claimRef: bound }), claim, [{ kind: "volume-phase", phase: "Bound" }]],
    [
      "whose claim is not yet bound waits for it",
      volumeOf("v", { claimRef: bound }),
      claimOf("c"),
      [{ kind: "look-at-claim" }],
    ],
    [
      "whose claim is gone is released and kept",
      volumeOf("v", { claimRef: bound }, "Bound"),
      undefined,
      [{ kind: "volume-phase", phase: "Released" }],
    ],
    [
      "whose claim is another of the name is released",
      volumeOf("v", { claimRef: refOf(claim, "old") }, "Bound"),
      claim,
      [{ kind: "volume-phase", phase: "Released" }],
    ],
    ["that failed stays so", volumeOf("v", { claimRef: bound }, "Failed"), undefined, []],
    [
      "with Delete is left to who made it",
      volumeOf("v", { claimRef: bound, persistentVolumeReclaimPolicy: "Delete" }, "Bound", {
        annotations: provisioned,
      }),
      undefined,
      [{ kind: "volume-phase", phase: "Released" }],
    ],
    [
      "that was made for a claim that took another is released",
      volumeOf("v", { claimRef: bound, persistentVolumeReclaimPolicy: "Delete" }, "Bound", {
        annotations: provisioned,
      }),
      claimOf("c", { volumeName: "w" }),
      [{ kind: "volume-phase", phase: "Released" }],
    ],
  ])("%s", (_, volume, of, steps) => {
    expect(planVolume(volume, of)).toEqual(steps);
  });

  it("that nobody can delete or recycle has failed", () => {
    const gone = (persistentVolumeReclaimPolicy: string) =>
      planVolume(volumeOf("v", { claimRef: bound, persistentVolumeReclaimPolicy }, "Bound"), undefined);
    expect(gone("Delete")).toMatchObject([
      { phase: "Released" },
      {
        phase: "Failed",
        message: 'error getting deleter volume plugin for volume "v": no deletable volume plugin matched',
        event: { type: "Warning", reason: "VolumeFailedDelete" },
      },
    ]);
    expect(gone("Recycle")).toMatchObject([
      { phase: "Released" },
      {
        phase: "Failed",
        message: "No recycler plugin found for the volume!",
        event: { reason: "VolumeFailedRecycle" },
      },
    ]);
  });

  it("of a claim that is bound elsewhere is free again, or stays reserved as the user made it", () => {
    const elsewhere = claimOf("c", { volumeName: "w" });
    const own = volumeOf("v", { claimRef: bound }, "Bound", {
      annotations: { "pv.kubernetes.io/bound-by-controller": "yes", keep: "me" },
    });
    const [step] = planVolume(own, elsewhere);
    expect(step).toMatchObject({ kind: "update-volume", volume: { metadata: { annotations: { keep: "me" } } } });
    expect(unbound(own).spec).not.toHaveProperty("claimRef");
    expect(unbound(volumeOf("v", { claimRef: bound })).spec.claimRef).toEqual({ namespace: "ns", name: "c" });
  });
});

describe("binding", () => {
  it("marks what the controller decided, and not what the user did", () => {
    const claim = claimOf("c");
    const volume = volumeOf("v");
    const claimed = claimedVolume(volume, claim);
    expect(claimed.metadata.annotations).toEqual({ "pv.kubernetes.io/bound-by-controller": "yes" });
    expect(claimed.spec.claimRef).toEqual({
      kind: "PersistentVolumeClaim",
      apiVersion: "v1",
      namespace: "ns",
      name: "c",
      uid: "uid-c",
      resourceVersion: "1",
    });
    expect(claimedVolume(claimed, claim)).toBe(claimed);
    const reserved = claimedVolume(volumeOf("v", { claimRef: refOf(claim, "") }), claim);
    expect(reserved.metadata.annotations).toBeUndefined();
    const filled = filledClaim(claim, volume);
    expect(filled.metadata.annotations).toEqual({ ...completed, "pv.kubernetes.io/bound-by-controller": "yes" });
    expect(filledClaim(filled, volume)).toBe(filled);
    expect(filledClaim(claimOf("c", { volumeName: "v" }), volume).metadata.annotations).toEqual(completed);
    expect(inClaimPhase(filled, "Bound", volume).status).toEqual({
      phase: "Bound",
      accessModes: ["ReadWriteOnce"],
      capacity: { storage: "5Gi" },
    });
  });

  it("knows the default class: the newest", () => {
    const mark = { "storageclass.kubernetes.io/is-default-class": "true" };
    const older = classNamed("b", {}, mark);
    const newer = classNamed("a", {}, mark);
    const later = { ...newer, metadata: { ...newer.metadata, creationTimestamp: "2026-02-01T00:00:00Z" } };
    expect(defaultClass([older, later, classNamed("c")])?.metadata.name).toBe("a");
    expect(defaultClass([classNamed("c")])).toBeUndefined();
  });
});

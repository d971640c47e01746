import { describe, expect, it } from "vitest";
import type { ApiObject } from "../../../../src/controlplane/apiserver/resources/resource.ts";
import { scheduleError } from "../../../../src/controlplane/apiserver/strategies/workloads/schedule.ts";
import { causes, created, object, refusals, updateRefusals, type Fields } from "./life.ts";

const labels = { app: "x" };
const podSpec = (more: Fields = {}): Fields => ({ containers: [{ name: "c", image: "nginx:1" }], ...more });
const template = (more: Fields = {}): Fields => ({ metadata: { labels }, spec: podSpec(more) });
const workload = (kind: string, spec: Fields = {}) =>
  object("apps/v1", kind, { spec: { selector: { matchLabels: labels }, template: template(), ...spec } });
const job = (spec: Fields = {}, pod: Fields = {}) =>
  object("batch/v1", "Job", { spec: { template: { spec: podSpec({ restartPolicy: "Never", ...pod }) }, ...spec } });
const cronJob = (spec: Fields = {}) =>
  object("batch/v1", "CronJob", {
    spec: {
      schedule: "*/5 * * * *",
      jobTemplate: { spec: { template: { spec: podSpec({ restartPolicy: "Never" }) } } },
      ...spec,
    },
  });
const specOf = (made: ApiObject) => made["spec"] as Fields;

const defaultedPod = {
  containers: [
    {
      name: "c",
      image: "nginx:1",
      imagePullPolicy: "IfNotPresent",
      resources: {},
      terminationMessagePath: "/dev/termination-log",
      terminationMessagePolicy: "File",
    },
  ],
  dnsPolicy: "ClusterFirst",
  restartPolicy: "Always",
  schedulerName: "default-scheduler",
  securityContext: {},
  terminationGracePeriodSeconds: 30,
};

describe("defaults are upstream's", () => {
  const stored = { metadata: { labels }, spec: defaultedPod };
  it.each<[ApiObject, Fields, Fields]>([
    [
      workload("Deployment"),
      {
        replicas: 1,
        revisionHistoryLimit: 10,
        progressDeadlineSeconds: 600,
        strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: "25%", maxUnavailable: "25%" } },
        template: stored,
      },
      {},
    ],
    [workload("ReplicaSet"), { replicas: 1, template: stored }, { replicas: 0 }],
    [
      workload("DaemonSet"),
      {
        revisionHistoryLimit: 10,
        updateStrategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 0, maxUnavailable: 1 } },
        template: stored,
      },
      { currentNumberScheduled: 0, numberMisscheduled: 0, desiredNumberScheduled: 0, numberReady: 0 },
    ],
    [
      workload("StatefulSet", { serviceName: "s" }),
      {
        serviceName: "s",
        replicas: 1,
        revisionHistoryLimit: 10,
        podManagementPolicy: "OrderedReady",
        persistentVolumeClaimRetentionPolicy: { whenDeleted: "Retain", whenScaled: "Retain" },
        updateStrategy: { type: "RollingUpdate", rollingUpdate: { partition: 0 } },
        template: stored,
      },
      { replicas: 0 },
    ],
  ])("for %#", (sent, spec, status) => {
    const made = created(sent);
    expect(made["spec"]).toEqual({ selector: { matchLabels: labels }, ...spec });
    expect(made["status"]).toEqual(status);
    expect(refusals(sent)).toEqual([]);
  });

  it("for a ReplicationController, whose selector and labels are its template's", () => {
    const sent = object("v1", "ReplicationController", { spec: { template: template() } });
    expect(created(sent)).toMatchObject({ metadata: { labels }, spec: { replicas: 1, selector: labels } });
    expect(refusals(sent)).toEqual([]);
  });

  it("for a Job, with labels that find its pods", () => {
    const { metadata, spec } = created(job());
    const uid = metadata.uid!;
    expect(spec).toMatchObject({
      backoffLimit: 6,
      completionMode: "NonIndexed",
      completions: 1,
      parallelism: 1,
      manualSelector: false,
      podReplacementPolicy: "TerminatingOrFailed",
      suspend: false,
      selector: { matchLabels: { "batch.kubernetes.io/controller-uid": uid } },
      template: {
        metadata: {
          labels: {
            "batch.kubernetes.io/controller-uid": uid,
            "batch.kubernetes.io/job-name": "x",
            "controller-uid": uid,
            "job-name": "x",
          },
        },
      },
    });
    expect(refusals(job())).toEqual([]);
  });

  it("for a CronJob, whose Jobs get theirs when they are made", () => {
    const spec = specOf(created(cronJob()));
    expect(spec).toMatchObject({
      concurrencyPolicy: "Allow",
      suspend: false,
      successfulJobsHistoryLimit: 3,
      failedJobsHistoryLimit: 1,
    });
    expect(spec["jobTemplate"]).toEqual({
      metadata: {},
      spec: { template: { metadata: {}, spec: { ...defaultedPod, restartPolicy: "Never" } } },
    });
    expect(refusals(cronJob())).toEqual([]);
  });
});

describe("refused for", () => {
  it.each<[string, ApiObject, string[]]>([
    ["no selector", workload("Deployment", { selector: undefined }), ["Required spec.selector"]],
    ["an empty selector", workload("Deployment", { selector: {} }), ["Invalid spec.selector"]],
    [
      "a selector of other pods",
      workload("Deployment", { selector: { matchLabels: { app: "y" } } }),
      ["Invalid spec.template.metadata.labels"],
    ],
    ["fewer than none", workload("Deployment", { replicas: -1 }), ["Invalid spec.replicas"]],
    [
      "what is no container",
      workload("Deployment", { template: template({ containers: [{ name: "c" }] }) }),
      ["Required spec.template.spec.containers[0].image"],
    ],
    [
      "pods that end",
      workload("ReplicaSet", { template: template({ restartPolicy: "Never", activeDeadlineSeconds: 1 }) }),
      ["NotSupported spec.template.spec.restartPolicy", "Forbidden spec.template.spec.activeDeadlineSeconds"],
    ],
    [
      "a strategy",
      workload("Deployment", { strategy: { type: "Recreate", rollingUpdate: { maxSurge: 1 } } }),
      ["Forbidden spec.strategy.rollingUpdate"],
    ],
    [
      "no room to roll",
      workload("Deployment", { strategy: { rollingUpdate: { maxSurge: 0, maxUnavailable: "0%" } } }),
      ["Invalid spec.strategy.rollingUpdate.maxUnavailable"],
    ],
    [
      "a deadline before it is ready",
      workload("Deployment", { minReadySeconds: 600 }),
      ["Invalid spec.progressDeadlineSeconds"],
    ],
    [
      "two rooms to roll",
      workload("DaemonSet", { updateStrategy: { rollingUpdate: { maxSurge: 1, maxUnavailable: 1 } } }),
      ["Invalid spec.updateStrategy.rollingUpdate.maxSurge"],
    ],
    [
      "an order of pods",
      workload("StatefulSet", { podManagementPolicy: "Random", updateStrategy: { type: "Now" } }),
      ["Invalid spec.podManagementPolicy", "Invalid spec.updateStrategy"],
    ],
    ["a Job that restarts", job({}, { restartPolicy: "Always" }), ["Required spec.template.spec.restartPolicy"]],
    [
      "a Job's numbers",
      job({ parallelism: -1, backoffLimit: -1 }),
      ["Invalid spec.parallelism", "Invalid spec.backoffLimit"],
    ],
    [
      "an indexed Job without an end",
      job({ completionMode: "Indexed", parallelism: 1 }),
      ["Required spec.completions"],
    ],
    [
      "labels that are another Job's",
      job({ template: { metadata: { labels: { "job-name": "y" } }, spec: podSpec({ restartPolicy: "Never" }) } }),
      ["Invalid spec.template.metadata.labels[job-name]"],
    ],
    ["a schedule", cronJob({ schedule: "61 * * * *" }), ["Invalid spec.schedule"]],
    ["no schedule", cronJob({ schedule: "" }), ["Required spec.schedule"]],
    ["a time zone", cronJob({ timeZone: "Nowhere/City" }), ["Invalid spec.timeZone"]],
    ["a zone in the schedule", cronJob({ schedule: "TZ=UTC * * * * *" }), ["Invalid spec.schedule"]],
    ["what to do at once", cronJob({ concurrencyPolicy: "Pile" }), ["NotSupported spec.concurrencyPolicy"]],
    [
      "a revision of nothing",
      object("apps/v1", "ControllerRevision", { revision: -1 }),
      ["Required data", "Invalid revision"],
    ],
    ["a template of nothing", object("v1", "PodTemplate", {}), ["Required template.spec.containers"]],
  ])("%s", (_what, sent, expected) => {
    expect(refusals(sent)).toEqual(expected);
  });

  it("an empty selector, in upstream's words", () => {
    expect(causes(workload("Deployment", { selector: {} }))[0]?.message).toBe(
      "Invalid value: {}: empty selector is invalid for deployment",
    );
  });
});

describe("an update is refused", () => {
  it.each<[string, ApiObject, Fields, string[]]>([
    [
      "of a selector",
      workload("Deployment"),
      { selector: { matchLabels: labels, matchExpressions: [{ key: "app", operator: "Exists" }] } },
      ["Invalid spec.selector"],
    ],
    ["of a StatefulSet's service", workload("StatefulSet"), { serviceName: "other" }, ["Forbidden spec"]],
    [
      "of a Job's template",
      job(),
      { template: { spec: podSpec({ restartPolicy: "OnFailure" }) } },
      [
        "Required",
        "Required",
        "Required",
        "Required",
        "Invalid spec.template.metadata.labels",
        "Invalid spec.template",
      ],
    ],
    ["of a Job's completions", job(), { completions: 5 }, ["Invalid spec.completions"]],
    ["of nothing", workload("StatefulSet"), { replicas: 3 }, []],
  ])("%s", (_what, old, change, expected) => {
    const found = updateRefusals(old, (next) => Object.assign(specOf(next), change));
    expect(found.map((one) => (one.startsWith("Required ") ? "Required" : one))).toEqual(expected);
  });

  it("of a status that counts more than there are", () => {
    const status = { replicas: 1, readyReplicas: 2, availableReplicas: 3 };
    expect(updateRefusals(workload("ReplicaSet"), (next) => Object.assign(next, { status }), "status")).toEqual([
      "Invalid status.readyReplicas",
      "Invalid status.availableReplicas",
      "Invalid status.availableReplicas",
    ]);
  });
});

describe("schedules", () => {
  it.each(["* * * * *", "*/15 0-6,22 1 jan-mar MON", "@hourly", "@every 1h30m", "0 0 ? * 0/2"])("%s", (schedule) => {
    expect(scheduleError(schedule)).toBeUndefined();
  });
  it.each([
    ["* * * *", "expected exactly 5 fields, found 4: [* * * *]"],
    ["60 * * * *", "end of range (60) above maximum (59): 60"],
    ["* * 0 * *", "beginning of range (0) below minimum (1): 0"],
    ["5-1 * * * *", "beginning of range (5) beyond end of range (1): 5-1"],
    ["*/0 * * * *", "step of range should be a positive number: */0"],
    ["x * * * *", 'failed to parse int from x: strconv.Atoi: parsing "x": invalid syntax'],
    ["@often", "unrecognized descriptor: @often"],
  ])("%s: %s", (schedule, error) => {
    expect(scheduleError(schedule)).toBe(error);
  });
});

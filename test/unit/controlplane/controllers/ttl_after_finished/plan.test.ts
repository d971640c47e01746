/** When finished Jobs are due (pkg/controller/ttlafterfinished/ttlafterfinished_controller_test.go). */
import { describe, expect, it } from "vitest";
import { dueInMs } from "../../../../../src/controlplane/controllers/ttl_after_finished/plan.ts";
import type { Job } from "../../../../../src/model/kubernetes.ts";

const finished = "2026-01-01T00:00:00Z";
const now = Date.parse(finished) + 10_000;

function job(ttl: number | undefined, type?: string, metadata: object = {}): Job {
  const conditions = type ? [{ type, status: "True", lastTransitionTime: finished }] : [];
  return {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { name: "j", namespace: "ns", uid: "u", resourceVersion: "1", creationTimestamp: finished, ...metadata },
    spec: { template: {}, ...(ttl === undefined ? {} : { ttlSecondsAfterFinished: ttl }) },
    status: { conditions },
  };
}

describe("a Job is due", () => {
  it.each([
    ["never without a ttl", job(undefined, "Complete"), undefined],
    ["never while it runs", job(10), undefined],
    ["never when it is going already", job(0, "Complete", { deletionTimestamp: finished }), undefined],
    ["so long after its success", job(25, "Complete"), 15_000],
    ["so long after its failure", job(25, "Failed"), 15_000],
    ["at once with a ttl of 0", job(0, "Complete"), 0],
    ["at once when the time is over", job(5, "Complete"), 0],
  ])("%s", (_, one, expected) => {
    expect(dueInMs(one, now)).toBe(expected);
  });
});

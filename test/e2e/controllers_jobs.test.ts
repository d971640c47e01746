/** Jobs and CronJobs as people work with them: kubectl's verbs. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { cronJobController } from "../../src/controlplane/controllers/cron_job/cron_job.ts";
import { garbageCollectorController } from "../../src/controlplane/controllers/garbage_collector/garbage_collector.ts";
import { jobController } from "../../src/controlplane/controllers/job/job.ts";
import { ttlAfterFinishedController } from "../../src/controlplane/controllers/ttl_after_finished/ttl_after_finished.ts";
import { startTestControlPlane, type TestControlPlane } from "../fixtures/control_plane.ts";
import { eventually } from "../fixtures/eventually.ts";
import { startPodRunner, type PodRunner } from "../fixtures/pod_runner.ts";

let plane: TestControlPlane;
let runner: PodRunner;
beforeAll(async () => {
  plane = await startTestControlPlane({
    rows: [cronJobController, garbageCollectorController, jobController, ttlAfterFinishedController],
  });
  runner = await startPodRunner(plane.client, {
    fate: ({ spec }) => {
      const image = spec.containers[0]?.image;
      return image === "bad:1" ? "failed" : image === "long:1" ? "ready" : "succeeded";
    },
  });
});
afterAll(async () => {
  await runner.stop();
  await plane.stop();
  expect(runner.failures).toEqual([]);
  expect(plane.internalErrors).toEqual([]);
});

const kubectl = (...args: string[]): Promise<string> => plane.run(args);
const waitFor = (condition: string, name: string): Promise<string> =>
  kubectl("wait", `--for=condition=${condition}`, `job/${name}`, "--timeout=20s");

describe("kubectl on Jobs", () => {
  it("create job runs to completion", async () => {
    await kubectl("create", "job", "once", "--image=good:1");
    await waitFor("complete", "once");
    expect(await kubectl("get", "job", "once", "--no-headers")).toMatch(/^once +Complete +1\/1 +/);
    expect(await kubectl("describe", "job", "once")).toMatch(
      /Pods Statuses: +0 Active \(0 Ready\) \/ 1 Succeeded \/ 0 Failed/,
    );
  });

  it("shows why one has failed", async () => {
    const template = { spec: { restartPolicy: "Never", containers: [{ name: "c", image: "bad:1" }] } };
    const metadata = { name: "broken" };
    await plane.run(["create", "-f", "-"], {
      apiVersion: "batch/v1",
      kind: "Job",
      metadata,
      spec: { backoffLimit: 0, template },
    });
    await waitFor("failed", "broken");
    expect(await kubectl("get", "job", "broken", "--no-headers")).toMatch(/^broken +Failed +0\/1 +/);
    const reason = "jsonpath={.status.conditions[-1:].reason}";
    expect(await kubectl("get", "job", "broken", "-o", reason)).toBe("BackoffLimitExceeded");
  });

  it("patch suspends and resumes, delete takes the pods too", async () => {
    await kubectl("create", "job", "long", "--image=long:1");
    await eventually("a pod", () => runner.pods().some(({ metadata }) => metadata.name.startsWith("long-")));
    await kubectl("patch", "job", "long", "-p", '{"spec":{"suspend":true}}');
    await waitFor("suspended", "long");
    expect(await kubectl("get", "job", "long", "--no-headers")).toMatch(/^long +Suspended +0\/1 +/);
    await kubectl("patch", "job", "long", "-p", '{"spec":{"suspend":false}}');
    await kubectl("wait", "--for=condition=ready", "pod", "-l", "job-name=long", "--timeout=20s");
    await kubectl("delete", "job", "long", "--timeout=20s");
    await eventually("the pods' end", () => !runner.pods().some(({ metadata }) => metadata.name.startsWith("long-")));
  });

  it("create job --from=cronjob runs it now", async () => {
    await kubectl("create", "cronjob", "nightly", "--image=good:1", "--schedule=0 3 29 2 *");
    expect(await kubectl("get", "cronjob", "nightly", "--no-headers")).toMatch(
      /^nightly +0 3 29 2 \* +<none> +False +0 +<none> +/,
    );
    await kubectl("create", "job", "manual", "--from=cronjob/nightly");
    await waitFor("complete", "manual");
    const owner =
      "jsonpath={.metadata.ownerReferences[0].name} {.metadata.annotations.cronjob\\.kubernetes\\.io/instantiate}";
    expect(await kubectl("get", "job", "manual", "-o", owner)).toBe("nightly manual");
    await eventually("the time of its success", async () => {
      return (await kubectl("get", "cronjob", "nightly", "-o", "jsonpath={.status.lastSuccessfulTime}")) !== "";
    });
    await kubectl("delete", "cronjob", "nightly", "--timeout=20s");
    await eventually("its Job's end", async () => !(await kubectl("get", "jobs", "-o", "name")).includes("manual"));
  });

  it("takes away a finished Job at its time", async () => {
    const template = { spec: { restartPolicy: "Never", containers: [{ name: "c", image: "good:1" }] } };
    const spec = { ttlSecondsAfterFinished: 0, template };
    await plane.run(["create", "-f", "-"], { apiVersion: "batch/v1", kind: "Job", metadata: { name: "brief" }, spec });
    await kubectl("wait", "--for=delete", "job/brief", "--timeout=20s");
  });

  it("gives nobody cause to complain", () => {
    expect(plane.complaints).toEqual([]);
  });
});

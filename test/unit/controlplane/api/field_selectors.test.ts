/** What objects can be selected by, as upstream's ToSelectableFields and AddFieldLabelConversionFunc have it. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startServer, type RunningServer } from "../../../fixtures/api_server.ts";

let server: RunningServer;
type Fields = Record<string, unknown>;
const namespace = "/api/v1/namespaces/default";
const spec = { containers: [{ name: "c", image: "i" }] };

async function make(path: string, apiVersion: string, kind: string, fields: Fields): Promise<void> {
  const made = await server.request("POST", path, { apiVersion, kind, metadata: { name: "x" }, ...fields });
  expect(made.code, JSON.stringify(made.body)).toBe(201);
}

beforeAll(async () => {
  server = await startServer();
  await make(`${namespace}/pods`, "v1", "Pod", { spec: { ...spec, nodeName: "n", serviceAccountName: "s" } });
  await make("/api/v1/nodes", "v1", "Node", {});
  await make(`${namespace}/secrets`, "v1", "Secret", { type: "a.io/b" });
  await make(`${namespace}/services`, "v1", "Service", { spec: { ports: [{ port: 1 }], clusterIP: "None" } });
  const selector = { matchLabels: { app: "a" } };
  const template = { metadata: { labels: { app: "a" } }, spec };
  await make("/apis/apps/v1/namespaces/default/replicasets", "apps/v1", "ReplicaSet", { spec: { selector, template } });
  await make("/apis/batch/v1/namespaces/default/jobs", "batch/v1", "Job", {
    spec: { template: { spec: { ...spec, restartPolicy: "Never" } } },
  });
  await make(`${namespace}/events`, "v1", "Event", {
    metadata: { name: "old" },
    involvedObject: { kind: "Pod", name: "x", namespace: "default", fieldPath: "spec.containers{c}" },
    reason: "Killing",
    source: { component: "kubelet" },
    type: "Normal",
  });
  await make("/apis/events.k8s.io/v1/namespaces/default/events", "events.k8s.io/v1", "Event", {
    metadata: { name: "new" },
    regarding: { kind: "Job", name: "x", namespace: "default" },
    reason: "Made",
    action: "Making",
    reportingController: "a.io/jobs",
    reportingInstance: "i",
    eventTime: "2026-01-01T00:00:00.000000Z",
    type: "Warning",
  });
});
afterAll(() => server.stop());

async function names(path: string, selector: string): Promise<string[]> {
  const answer = await server.request("GET", `${path}?fieldSelector=${encodeURIComponent(selector)}`);
  expect(answer.code, JSON.stringify(answer.body)).toBe(200);
  return (answer.body.items as { metadata: { name: string } }[]).map(({ metadata }) => metadata.name);
}

const coreEvents = `${namespace}/events`;
const events = "/apis/events.k8s.io/v1/namespaces/default/events";
const jobs = "/apis/batch/v1/namespaces/default/jobs";
const replicaSets = "/apis/apps/v1/namespaces/default/replicasets";

describe("a field selector", () => {
  it.each<[string, string, string[]]>([
    [`${namespace}/pods`, "spec.nodeName=n,spec.serviceAccountName=s,spec.restartPolicy=Always", ["x"]],
    [`${namespace}/pods`, "spec.host=n", ["x"]],
    [`${namespace}/pods`, "spec.hostNetwork=false", ["x"]],
    [`${namespace}/pods`, "spec.hostNetwork=true", []],
    [`${namespace}/pods`, "status.phase=Pending,status.podIP=,status.nominatedNodeName=", ["x"]],
    [`${namespace}/pods`, "spec.schedulerName!=default-scheduler", []],
    ["/api/v1/nodes", "spec.unschedulable=false", ["x"]],
    [`${namespace}/secrets`, "type=a.io/b", ["x"]],
    [`${namespace}/services`, "spec.clusterIP=None,spec.type=ClusterIP", ["x"]],
    [replicaSets, "status.replicas=0", ["x"]],
    [replicaSets, "status.replicas!=0", []],
    [jobs, "status.successful=0", ["x"]],
    [jobs, "status.successful=1", []],
    [coreEvents, "involvedObject.kind=Pod,involvedObject.name=x,involvedObject.fieldPath=spec.containers{c}", ["old"]],
    [coreEvents, "source=kubelet", ["old"]],
    [coreEvents, "source=a.io/jobs", ["new"]],
    [coreEvents, "reportingComponent=a.io/jobs", ["new"]],
    [events, "regarding.kind=Pod", ["old"]],
    [events, "regarding.kind=Job,regarding.name=x,reportingController=a.io/jobs,type=Warning", ["new"]],
    [events, "reason!=Made", ["old"]],
  ])("of %s, %s", async (path, selector, expected) => expect(await names(path, selector)).toEqual(expected));

  it("follows a watch of events.k8s.io", async () => {
    const query = "?watch=1&resourceVersion=0&timeoutSeconds=1&fieldSelector=regarding.kind%3DJob";
    const response = await fetch(server.url + events + query, { signal: AbortSignal.timeout(10_000) });
    const lines = (await response.text()).trim().split("\n");
    expect(lines.map((line) => (JSON.parse(line) as { object: { reason?: string } }).object.reason)).toContain("Made");
    expect(lines.join()).not.toContain("Killing");
  });

  it.each([
    [`${namespace}/pods`, "spec.image=x", "field label not supported: spec.image"],
    [
      `${namespace}/configmaps`,
      "data.x=y",
      '"data.x" is not a known field selector: only "metadata.name", "metadata.namespace"',
    ],
    [jobs, "status.active=1", 'field label "status.active" not supported for batchv1.Job'],
    [events, "involvedObject.kind=Pod", "field label not supported: involvedObject.kind"],
  ])("of %s refuses %s", async (path, selector, message) => {
    const answer = await server.request("GET", `${path}?fieldSelector=${encodeURIComponent(selector)}`);
    expect(answer.code).toBe(400);
    expect(answer.body.message).toContain(message);
  });
});

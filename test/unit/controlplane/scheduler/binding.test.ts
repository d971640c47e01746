/** Bindings that fail, whose answers are lost, or that somebody else made: on the real API server. */
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Client } from "../../../../src/api/client.ts";
import { resourceTypes } from "../../../../src/api/resource_types.ts";
import { StatusError } from "../../../../src/api/status_error.ts";
import type { ControllerRow } from "../../../../src/controlplane/controllers/controller.ts";
import { schedulerRow } from "../../../../src/controlplane/scheduler/scheduler.ts";
import { startTestControlPlane, type TestControlPlane } from "../../../fixtures/control_plane.ts";
import { eventually } from "../../../fixtures/eventually.ts";

const { pods, nodes } = resourceTypes;
const namespace = "default";
type Bind = Client["createSubresource"];
/** What the scheduler's bindings go through, by the pod's name. */
const detours = new Map<string, (bind: () => Promise<unknown>) => Promise<unknown>>();
let plane: TestControlPlane;

const detouring = (client: Client): Client =>
  new Proxy(client, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== "function") return value;
      const method = value.bind(target) as (...args: unknown[]) => unknown;
      if (name !== "createSubresource") return method;
      return (...args: Parameters<Bind>) => {
        const detour = detours.get(args[1].name);
        return detour ? detour(() => method(...args) as Promise<unknown>) : method(...args);
      };
    },
  });

beforeAll(async () => {
  const row: ControllerRow = {
    ...schedulerRow,
    make: (context) => schedulerRow.make({ ...context, client: detouring(context.client) }),
  };
  plane = await startTestControlPlane({ rows: [row] });
  const { client } = plane;
  await client.create(resourceTypes.serviceAccounts, { metadata: { namespace, name: "default" } });
  const made = await client.create(nodes, { metadata: { name: "a" }, spec: {} });
  const allocatable = { cpu: "4", memory: "8Gi", pods: "10" };
  await client.update(nodes, { ...made, status: { allocatable, capacity: allocatable } }, { subresource: "status" });
  await client.patch(nodes, { name: "a" }, { type: "merge", body: { spec: { taints: null } } });
});
afterAll(() => plane.stop());

function makePod(name: string, cpu: string) {
  const containers = [{ name: "main", image: "app", resources: { requests: { cpu } } }];
  return plane.client.create(pods, { metadata: { namespace, name }, spec: { containers } });
}

const read = (name: string) => plane.client.get(pods, { namespace, name });
const nodeOf = (name: string) =>
  eventually(`a node for ${name}`, async () => (await read(name)).spec.nodeName || undefined);
const messages = (name: string, reason: string): readonly string[] =>
  plane.events
    .filter((event) => event.reason === reason && event.about.metadata.name === name)
    .map(({ message }) => message);

it("gives the room back when a binding fails, says so, and tries again", async () => {
  let failures = 0;
  detours.set("unlucky", (bind) => {
    if (failures++ > 0) return bind();
    return Promise.reject(new StatusError(500, "InternalError", "the store is away"));
  });
  await makePod("unlucky", "3");
  const message = 'running Bind plugin "DefaultBinder": the store is away';
  await eventually("the word of it", () => messages("unlucky", "FailedScheduling").includes(message));
  const condition = await eventually("its condition", async () =>
    (await read("unlucky")).status?.conditions?.find(
      ({ type, status }) => type === "PodScheduled" && status === "False",
    ),
  );
  expect(condition).toMatchObject({ reason: "SchedulerError", message });
  // While it backs off, its room is anybody's.
  await makePod("quick", "2");
  expect(await nodeOf("quick")).toBe("a");
  await eventually("that it does not fit now", () =>
    messages("unlucky", "FailedScheduling").some((text) => text.includes("Insufficient cpu")),
  );
  await plane.client.delete(pods, { namespace, name: "quick" }, { gracePeriodSeconds: 0 });
  expect(await nodeOf("unlucky")).toBe("a");
  await plane.client.delete(pods, { namespace, name: "unlucky" }, { gracePeriodSeconds: 0 });
});

it("takes a pod as bound whose binding's answer was lost", async () => {
  detours.set("lost", async (bind) => {
    await bind();
    await eventually("its node", async () => (await read("lost")).spec.nodeName);
    throw new StatusError(0, "", "the connection broke");
  });
  await makePod("lost", "1");
  expect(await nodeOf("lost")).toBe("a");
  await makePod("after", "3");
  expect(await nodeOf("after")).toBe("a");
  expect(messages("lost", "FailedScheduling")).toEqual([]);
  for (const name of ["lost", "after"]) await plane.client.delete(pods, { namespace, name }, { gracePeriodSeconds: 0 });
});

it("counts a pod where somebody else bound it", async () => {
  await plane.client.create(nodes, { metadata: { name: "b" }, spec: { unschedulable: true } });
  detours.set("foreign", async (bind) => {
    const metadata = { namespace, name: "foreign" };
    const body = { apiVersion: "v1", kind: "Binding", metadata, target: { kind: "Node", name: "b" } };
    await plane.client.createSubresource(pods, metadata, "binding", body);
    return bind();
  });
  await makePod("foreign", "3");
  expect(await nodeOf("foreign")).toBe("b");
  // The room that it was to have on a is free.
  await makePod("next", "4");
  expect(await nodeOf("next")).toBe("a");
});

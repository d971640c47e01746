/** Events as they are written: on the real API server, and on one that does not answer. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Client } from "../../../src/api/client.ts";
import { ApiEventRecorder } from "../../../src/api/events/api_event_recorder.ts";
import { resourceTypes } from "../../../src/api/resource_types.ts";
import { StatusError } from "../../../src/api/status_error.ts";
import type { Event } from "../../../src/model/kubernetes.ts";
import { systemClock } from "../../../src/reconcile/clock.ts";
import { startTestControlPlane, type TestControlPlane } from "../../fixtures/control_plane.ts";
import { eventually } from "../../fixtures/eventually.ts";
import { FakeClock } from "../../fixtures/fake_clock.ts";

const { configMaps, events, nodes } = resourceTypes;
const about = (name: string) => ({ apiVersion: "v1", kind: "ConfigMap", metadata: { namespace: "default", name } });

describe("on the real API server", () => {
  let plane: TestControlPlane;
  beforeAll(async () => {
    plane = await startTestControlPlane({ rows: [] });
  });
  afterAll(() => plane.stop());

  async function eventsAbout(name: string): Promise<readonly Event[]> {
    const { items } = await plane.client.list(events, { fieldSelector: `involvedObject.name=${name}` });
    return items;
  }

  it("writes one, in the object's namespace, and counts its repeats", async () => {
    const map = await plane.client.create(configMaps, { metadata: { namespace: "kube-system", name: "seen" } });
    const recorder = new ApiEventRecorder(plane.client, { component: "tester", clock: systemClock });
    for (let i = 0; i < 3; i++) recorder.event(map, "Warning", "Looked", "somebody looked");
    await recorder.stop(5000);
    const [event, ...others] = await eventsAbout("seen");
    expect(others).toEqual([]);
    expect(event).toMatchObject({
      metadata: { namespace: "kube-system", name: expect.stringMatching(/^seen\.[0-9a-f]{16}$/) as string },
      involvedObject: {
        apiVersion: "v1",
        kind: "ConfigMap",
        namespace: "kube-system",
        name: "seen",
        uid: map.metadata.uid,
        resourceVersion: map.metadata.resourceVersion,
      },
      reason: "Looked",
      message: "somebody looked",
      type: "Warning",
      count: 3,
      source: { component: "tester" },
      reportingComponent: "tester",
      reportingInstance: "",
    });
  });

  it("writes those of cluster-wide objects into default", async () => {
    const node = await plane.client.create(nodes, { metadata: { name: "node-seen" }, spec: {} });
    const recorder = new ApiEventRecorder(plane.client, { component: "tester", host: "node-seen", clock: systemClock });
    recorder.event(node, "Normal", "Looked", "at a node");
    await recorder.stop(5000);
    const [event] = await eventsAbout("node-seen");
    expect(event).toMatchObject({
      metadata: { namespace: "default" },
      source: { component: "tester", host: "node-seen" },
      reportingInstance: "node-seen",
    });
    expect(event?.involvedObject.namespace).toBeUndefined();
  });

  it("writes one again that was deleted meanwhile", async () => {
    const recorder = new ApiEventRecorder(plane.client, { component: "tester", clock: systemClock });
    recorder.event(about("gone"), "Normal", "Looked", "once");
    const [first] = await eventually("the Event", async () => {
      const found = await eventsAbout("gone");
      return found.length > 0 && found;
    });
    await plane.client.delete(events, first!.metadata);
    recorder.event(about("gone"), "Normal", "Looked", "once");
    await recorder.stop(5000);
    expect(await eventsAbout("gone")).toMatchObject([{ metadata: { name: first!.metadata.name }, count: 2 }]);
  });

  it("combines many that are similar", async () => {
    const recorder = new ApiEventRecorder(plane.client, { component: "tester", clock: systemClock });
    for (let i = 1; i <= 15; i++) recorder.event(about("busy"), "Normal", "Looked", `time ${i}`);
    await recorder.stop(5000);
    const found = await eventsAbout("busy");
    expect(found).toHaveLength(10);
    const combined = found.filter(({ message }) => message?.startsWith("(combined from similar events): "));
    expect(combined).toMatchObject([{ message: "(combined from similar events): time 15", count: 6 }]);
  });
});

describe("with a server that fails", () => {
  function failing(error: Error): { client: Client; calls: () => number } {
    let calls = 0;
    const create = (): Promise<never> => {
      calls++;
      return Promise.reject(error);
    };
    return { client: { create } as unknown as Client, calls: () => calls };
  }
  const settle = () => new Promise((resolve) => setTimeout(resolve, 10));

  it("drops what was refused, and goes on", async () => {
    const { client, calls } = failing(new StatusError(403, "Forbidden", "no"));
    const dropped: unknown[] = [];
    const recorder = new ApiEventRecorder(client, {
      component: "tester",
      clock: systemClock,
      onDropped: (error) => dropped.push(error),
    });
    recorder.event(about("a"), "Normal", "Looked", "one");
    recorder.event(about("b"), "Normal", "Looked", "two");
    await recorder.stop(5000);
    expect(calls()).toBe(2);
    expect(dropped).toHaveLength(2);
  });

  it("tries a server that does not answer twelve times, and bounds what waits", async () => {
    const { client, calls } = failing(new StatusError(0, "", "connection refused"));
    const clock = new FakeClock();
    const dropped: unknown[] = [];
    const recorder = new ApiEventRecorder(client, { component: "tester", clock, onDropped: (e) => dropped.push(e) });
    for (let i = 0; i < 8; i++) recorder.event(about(`a-${i}`), "Normal", "Looked", "one");
    await settle();
    expect(calls()).toBe(8);
    for (let i = 0; i < 1100; i++) recorder.event(about(`b-${i}`), "Normal", "Looked", "one");
    expect(dropped).toHaveLength(100);
    for (let tries = 2; tries <= 11; tries++) {
      clock.advance(10_000);
      await settle();
      expect(calls()).toBe(8 * tries);
    }
    clock.advance(10_000);
    await settle();
    // The twelfth tries, and the first ones of the next eight.
    expect(calls()).toBe(8 * 13);
    expect(dropped).toHaveLength(108);
    await recorder.stop(0);
  });

  it("writes what counts up the same one after the other, and others meanwhile", async () => {
    const asked: string[] = [];
    const answers: (() => void)[] = [];
    const call = async (what: string): Promise<void> => {
      asked.push(what);
      await new Promise<void>((resolve) => answers.push(resolve));
    };
    const client = {
      create: (_: unknown, { involvedObject: { name } }: Event) => call(`create ${name}`),
      patch: (_: unknown, __: unknown, { body }: { body: { count: number } }) => call(`count ${body.count}`),
    } as unknown as Client;
    const recorder = new ApiEventRecorder(client, { component: "tester", clock: systemClock });
    for (let i = 0; i < 3; i++) recorder.event(about("a"), "Normal", "Looked", "one");
    recorder.event(about("b"), "Normal", "Looked", "one");
    await settle();
    expect(asked).toEqual(["create a", "create b"]);
    for (let i = 0; i < 4; i++) {
      answers[i]!();
      await settle();
    }
    expect(asked).toEqual(["create a", "create b", "count 2", "count 3"]);
    await recorder.stop(1000);
  });
});

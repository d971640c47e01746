/** Services as people see them through kubectl: endpoints behind them, and addresses before them. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { resourceTypes } from "../../src/api/resource_types.ts";
import { endpointSliceController } from "../../src/controlplane/controllers/endpoint_slice/endpoint_slice.ts";
import { endpointSliceMirroringController } from "../../src/controlplane/controllers/endpoint_slice_mirroring/endpoint_slice_mirroring.ts";
import { endpointsController } from "../../src/controlplane/controllers/endpoints/endpoints.ts";
import { serviceLoadBalancerController } from "../../src/controlplane/controllers/service_load_balancer/service_load_balancer.ts";
import { startTestControlPlane, type TestControlPlane } from "../fixtures/control_plane.ts";
import { eventually } from "../fixtures/eventually.ts";
import { startPodRunner, type PodRunner } from "../fixtures/pod_runner.ts";

let plane: TestControlPlane;
let runner: PodRunner;
beforeAll(async () => {
  plane = await startTestControlPlane({
    rows: [
      endpointSliceController,
      endpointSliceMirroringController,
      endpointsController,
      serviceLoadBalancerController,
    ],
    options: { loadBalancerPool: ["192.0.2.0/29"] },
  });
  for (const name of ["node-a", "node-b"]) {
    await plane.client.create(resourceTypes.nodes, { metadata: { name }, spec: {} });
  }
  runner = await startPodRunner(plane.client);
});
afterAll(async () => {
  await runner.stop();
  await plane.stop();
  expect(runner.failures).toEqual([]);
  expect(plane.internalErrors).toEqual([]);
});

const kubectl = (...args: string[]): Promise<string> => plane.run(args);
const slices = async (name: string): Promise<any[]> => {
  const text = await kubectl("get", "endpointslices", "-o", "json", "-l", `kubernetes.io/service-name=${name}`);
  return JSON.parse(text).items;
};

describe("kubectl on a Service", () => {
  it("expose shows the pods behind it", async () => {
    for (const name of ["web-1", "web-2"])
      await kubectl("run", name, "--image=web:1", "--labels=app=web", "--port=8080");
    await kubectl("expose", "pod", "web-1", "--name=web", "--selector=app=web", "--port=80", "--target-port=8080");
    const ips = await eventually("both endpoints", async () => {
      const ready = (await slices("web")).flatMap(({ endpoints }) => endpoints ?? []);
      return (
        ready.length === 2 && ready.every(({ conditions }) => conditions.ready) && ready.map((one) => one.addresses[0])
      );
    });
    const listed = await kubectl("get", "endpointslices", "--no-headers");
    for (const ip of ips) expect(listed).toContain(ip);
    expect(listed).toMatch(/^web-\w{5} +IPv4 +8080 +/);
    expect(await kubectl("get", "endpoints", "web", "--no-headers")).toMatch(/^web +[\d.]+:8080,[\d.]+:8080 /);
    expect(await kubectl("describe", "service", "web")).toMatch(/Endpoints: +[\d.]+:8080,[\d.]+:8080\n/);
  });

  it("label, annotate and delete pod are followed", async () => {
    await kubectl("label", "pod", "web-2", "app=other", "--overwrite");
    await eventually("one endpoint", async () => (await slices("web"))[0].endpoints.length === 1);
    await kubectl("label", "service", "web", "team=a");
    await eventually("the label", async () => (await slices("web"))[0].metadata.labels.team === "a");
    await kubectl("delete", "pod", "web-1");
    await eventually("no endpoint", async () => !(await slices("web"))[0].endpoints?.length);
  });

  it("apply of Endpoints of one's own is mirrored", async () => {
    const metadata = { name: "db" };
    await plane.run(["apply", "-f", "-"], {
      apiVersion: "v1",
      kind: "Service",
      metadata,
      spec: { ports: [{ port: 5432 }] },
    });
    const subsets = [{ addresses: [{ ip: "198.51.100.7" }], ports: [{ port: 5432 }] }];
    await plane.run(["apply", "-f", "-"], { apiVersion: "v1", kind: "Endpoints", metadata, subsets });
    const [slice] = await eventually("the mirror", async () => {
      const found = await slices("db");
      return found.length === 1 && found;
    });
    expect(slice.endpoints).toEqual([{ addresses: ["198.51.100.7"], conditions: { ready: true } }]);
    expect(slice.metadata.annotations ?? {}).toEqual({});
  });

  it("of type LoadBalancer shows its address, and waits where none is left", async () => {
    await kubectl("create", "service", "loadbalancer", "front", "--tcp=80");
    const row = await eventually("an address", async () => {
      const text = await kubectl("get", "service", "front", "--no-headers");
      return !text.includes("<pending>") && text;
    });
    expect(row).toMatch(/^front +LoadBalancer +10\.96\.\d+\.\d+ +192\.0\.2\.0 +80:\d+\/TCP /);
    await kubectl("patch", "service", "front", "-p", '{"spec":{"loadBalancerIP":"203.0.113.1"}}');
    await eventually("the wait", async () =>
      (await kubectl("get", "service", "front", "--no-headers")).includes("<pending>"),
    );
    await kubectl("delete", "service", "front", "--timeout=10s");
    expect(await kubectl("get", "services", "-o", "name")).not.toContain("front");
  });
});

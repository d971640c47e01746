/** What is kept of Services and EndpointSlices derives what they themselves would, whatever they are like. */
import { describe, expect, it } from "vitest";
import type { EndpointSlice, Service } from "../../../../src/model/kubernetes.ts";
import { serviceFields, sliceFields } from "../../../../src/proxy/agent/keep.ts";
import { keptService, keptSlice } from "../../../../src/proxy/agent/kept.ts";
import { deriveKept } from "../../../../src/proxy/agent/derive_kept.ts";
import { usualPorts } from "../../../../src/proxy/agent/usual_ports.ts";
import { deriveService } from "../../../../src/proxy/derive/derive.ts";
import { ignoreProblems } from "../../../../src/proxy/derive/problems.ts";
import { deriveHealthCheck } from "../../../../src/proxy/health/derive.ts";
import { triggerTime } from "../../../../src/proxy/metrics/derive.ts";
import fc from "../../../fixtures/property.ts";

const node = { name: "node-1", zone: "zone-1" };
const ipv4 = fc.constantFrom("10.0.0.1", "10.0.0.2", "10.0.0.3", "127.0.0.1", "x,y", "");
const ipv6 = fc.constantFrom("fd00::1", "fd00::2", "::1", "10.0.0.1");
const maybe = <T>(some: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(some, { nil: undefined });
/** Most objects are as usual: those have a form of their own. */
const seldom = <T>(some: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.oneof({ weight: 7, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: some });
const portName = fc.oneof({ weight: 5, arbitrary: fc.constant("http") }, fc.constantFrom("", "dns", "a b", "a/b"));
const protocol = seldom(fc.constantFrom("TCP", "UDP"));
const number = fc.constantFrom(53, 80, 8080, 8081, 0, 70_000);
const clusterIps = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom(["10.96.0.1"], ["10.96.0.1", "fd00::1"]) },
  maybe(fc.array(fc.oneof(fc.constant("None"), ipv4, ipv6), { maxLength: 2 })),
);

const service = fc
  .record({
    type: seldom(fc.constantFrom("ClusterIP", "LoadBalancer", "ExternalName")),
    clusterIPs: clusterIps,
    clusterIP: seldom(ipv4),
    externalIPs: seldom(fc.array(ipv4, { maxLength: 1 })),
    externalTrafficPolicy: seldom(fc.constantFrom("Cluster", "Local")),
    internalTrafficPolicy: seldom(fc.constantFrom("Cluster", "Local")),
    healthCheckNodePort: seldom(fc.constant(30_000)),
    sessionAffinity: seldom(fc.constantFrom("None", "ClientIP")),
    selector: fc.constant({ app: "x" }),
    ports: maybe(
      fc.array(
        fc.record({ name: fc.oneof(portName, seldom(portName)), port: number, protocol, nodePort: seldom(number) }),
        { maxLength: 2 },
      ),
    ),
  })
  .map((spec) => asJson<Service>({ ...head("Service"), spec, status: { loadBalancer: {} } }));

const endpoint = (ip: fc.Arbitrary<string>) =>
  fc.record({
    addresses: fc.array(ip, { minLength: 1, maxLength: 2 }),
    conditions: seldom(fc.record({ ready: seldom(fc.boolean()), serving: seldom(fc.boolean()) })),
    nodeName: maybe(fc.constantFrom("node-1", "node-2")),
    hints: seldom(fc.constant({ forZones: [{ name: "zone-1" }] })),
    zone: fc.constant("zone-1"),
  });
const slice = fc
  .constantFrom(["IPv4", ipv4] as const, ["IPv6", ipv6] as const, ["FQDN", ipv4] as const)
  .chain(([addressType, ip]) =>
    fc.record({
      addressType: fc.constant(addressType),
      ports: fc.array(
        fc.record({
          name: fc.oneof(portName, seldom(portName)),
          port: fc.oneof({ weight: 5, arbitrary: number }, fc.constant(undefined)),
          protocol,
        }),
        { maxLength: 2 },
      ),
      endpoints: fc.array(endpoint(ip), { maxLength: 3 }),
      time: seldom(fc.constantFrom("2026-01-02T03:04:05Z", "2026-01-02T03:04:05.5+02:00", "a b")),
    }),
  )
  .map(({ time, ...rest }) => {
    const annotations = time === undefined ? {} : { "endpoints.kubernetes.io/last-change-trigger-time": time };
    const { metadata, ...about } = head("EndpointSlice");
    return asJson<EndpointSlice>({ ...about, metadata: { ...metadata, annotations }, ...rest });
  });

const often = <T>(plain: fc.Arbitrary<T>, any: fc.Arbitrary<T>): fc.Arbitrary<T> =>
  fc.oneof({ weight: 4, arbitrary: plain }, { weight: 1, arbitrary: any });
const plainPort = fc.constantFrom(
  { name: "http", port: 80 },
  { name: "dns", port: 53 },
  { port: 8080, protocol: "TCP" },
);
const plainService = fc
  .record({
    clusterIPs: fc.constant(["10.96.0.1"]),
    type: fc.constantFrom(undefined, "ClusterIP"),
    ports: fc.array(plainPort, { minLength: 1, maxLength: 3 }),
  })
  .map((spec) => asJson<Service>({ ...head("Service"), spec }));
const plainEndpoint = fc.record({
  addresses: fc.constantFrom(["10.0.0.1"], ["10.0.0.2", "10.0.0.3"], ["10.0.0.10"], ["9.0.0.9"], ["127.0.0.1"]),
  conditions: maybe(fc.constantFrom({ ready: true, serving: true, terminating: false }, {})),
  nodeName: fc.constantFrom("node-1", "node-2"),
});
const plainSlice = fc
  .record({
    ports: fc.array(plainPort, { minLength: 1, maxLength: 3 }),
    endpoints: fc.array(plainEndpoint, { maxLength: 4 }),
  })
  .map((rest) => asJson<EndpointSlice>({ ...head("EndpointSlice"), addressType: "IPv4", ...rest }));

function head(kind: string) {
  const labels = { "kubernetes.io/service-name": "web" };
  const metadata = { namespace: "default", name: "web", uid: "u", resourceVersion: "7", labels, managedFields: [{}] };
  return { apiVersion: kind === "Service" ? "v1" : "discovery.k8s.io/v1", kind, metadata };
}

function asJson<T>(object: object): T {
  return JSON.parse(JSON.stringify(object)) as T;
}

function derived(one: Service, slices: readonly EndpointSlice[]): unknown {
  const options = { node, masqueradeAll: false };
  const problems: unknown[] = [];
  const report = (problem: unknown): void => void problems.push(problem);
  const ports = (["IPv4", "IPv6"] as const).map((family) => [...deriveService(one, slices, family, options, report)]);
  return { ports, problems, health: deriveHealthCheck(one, slices, node.name), times: slices.map(triggerTime) };
}

describe("what is kept", () => {
  it("derives from texts what the objects would", () => {
    let usual = 0;
    const [anyService, anySlice] = [often(plainService, service), often(plainSlice, slice)];
    fc.assert(
      fc.property(anyService, fc.array(anySlice, { maxLength: 2 }), fc.boolean(), (one, slices, masqueradeAll) => {
        const kept = slices.map((each) => keptSlice(each, node.name));
        for (const family of ["IPv4", "IPv6"] as const) {
          const problems: unknown[] = [];
          const report = (problem: unknown): void => void problems.push(problem);
          const expected = deriveService(one, slices, family, { node, masqueradeAll }, report);
          const found = deriveKept(keptService(one), kept, family, { node, masqueradeAll }, ignoreProblems);
          expect([...found]).toEqual([...expected]);
          const text = keptService(one).usualText;
          const texts = kept.flatMap(({ usualText }) => usualText ?? []);
          if (text === undefined || texts.length < kept.length) continue;
          const { namespace = "", name } = one.metadata;
          const short = usualPorts({ namespace, name, service: text, slices: texts }, family, masqueradeAll);
          if (short === undefined) continue;
          // Nobody would be told otherwise.
          expect(problems).toEqual([]);
          if (short.size > 0) usual++;
        }
      }),
      { numRuns: 1000 },
    );
    expect(usual).toBeGreaterThan(50);
  });

  it("derives what the objects would, read whole or in part", () => {
    fc.assert(
      fc.property(service, fc.array(slice, { maxLength: 2 }), (one, slices) => {
        const expected = derived(one, slices);
        const kept = slices.map((each) => keptSlice(each, node.name).object);
        expect(derived(keptService(one).object, kept)).toEqual(expected);
        const [read, ...parts] = [serviceFields.read(json(one)), ...slices.map((each) => sliceFields.read(json(each)))];
        const keptParts = parts.map((each) => keptSlice(each as EndpointSlice, node.name).object);
        expect(derived(keptService(read as Service).object, keptParts)).toEqual(expected);
      }),
      { numRuns: 500 },
    );
  });

  it("says whose it is", () => {
    const [one] = fc.sample(slice, 1);
    const { owner, kind, apiVersion, metadata, object } = keptSlice(one!, node.name);
    expect({ owner, kind, apiVersion }).toEqual({
      owner: "default/web",
      kind: "EndpointSlice",
      apiVersion: "discovery.k8s.io/v1",
    });
    expect(metadata).toMatchObject({ namespace: "default", name: "web", uid: "u", resourceVersion: "7" });
    expect(object.metadata).toMatchObject({ namespace: "default", name: "web", uid: "u", resourceVersion: "7" });
  });
});

function json(object: object): Buffer {
  return Buffer.from(JSON.stringify(object));
}

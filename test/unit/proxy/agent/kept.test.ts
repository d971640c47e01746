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
import { anyService, anySlice, oddService, oddSlice } from "../../../fixtures/service_arbitraries.ts";

const node = { name: "node-1", zone: "zone-1" };
const text = fc.oneof(fc.constantFrom("", "web", "a b", "%", "a%20b", "{}"), fc.string({ unit: "grapheme" }));
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
    fc.assert(
      fc.property(anyService, fc.array(anySlice, { maxLength: 2 }), fc.boolean(), (one, slices, masqueradeAll) => {
        const kept = slices.map((each) => keptSlice(each, node.name));
        for (const family of ["IPv4", "IPv6"] as const) {
          const problems: unknown[] = [];
          const report = (problem: unknown): void => void problems.push(problem);
          const expected = deriveService(one, slices, family, { node, masqueradeAll }, report);
          const found = deriveKept(keptService(one), kept, { node, masqueradeAll }, ignoreProblems)(family);
          expect([...found]).toEqual([...expected]);
          const text = keptService(one).usualText;
          const texts = kept.flatMap(({ usualText }) => usualText ?? []);
          if (text === undefined || texts.length < kept.length) continue;
          const key = keptService(one).owner;
          const short = usualPorts({ key, service: text, slices: texts }, family, masqueradeAll);
          if (short === undefined) continue;
          // Nobody would be told otherwise.
          expect(problems).toEqual([]);
          if (short.size > 0) usual++;
        }
      }),
      { numRuns: 500 },
    );
    expect(usual).toBeGreaterThan(25);
  });

  it("derives what the objects would, read whole or in part", () => {
    const fields = sliceFields(node.name);
    fc.assert(
      fc.property(oddService, fc.array(oddSlice, { maxLength: 2 }), (one, slices) => {
        const expected = derived(one, slices);
        const kept = slices.map((each) => keptSlice(each, node.name).object);
        expect(derived(keptService(one).object, kept)).toEqual(expected);
        const [read, ...parts] = [serviceFields.read(json(one)), ...slices.map((each) => fields.read(json(each)))];
        const keptParts = parts.map((each) => keptSlice(each as EndpointSlice, node.name).object);
        expect(derived(keptService(read as Service).object, keptParts)).toEqual(expected);
      }),
      { numRuns: 300 },
    );
  });

  it("says whose it is", () => {
    const [one] = fc.sample(oddSlice, 1);
    const { owner, kind, apiVersion, metadata, object } = keptSlice(one!, node.name);
    expect({ owner, kind, apiVersion }).toEqual({
      owner: "default/web",
      kind: "EndpointSlice",
      apiVersion: "discovery.k8s.io/v1",
    });
    expect(metadata).toMatchObject({ namespace: "default", name: "web", uid: "u", resourceVersion: "7" });
    expect(object.metadata).toMatchObject({ namespace: "default", name: "web", uid: "u", resourceVersion: "7" });
  });

  it("says what it is called, whatever that is", () => {
    fc.assert(
      fc.property(
        anySlice,
        fc.array(text, { minLength: 5, maxLength: 5 }),
        (given, [name, namespace, uid, version, when]) => {
          const annotations = { "endpoints.kubernetes.io/last-change-trigger-time": when! };
          const metadata = {
            ...given.metadata,
            name: name!,
            namespace: namespace!,
            uid: uid!,
            resourceVersion: version!,
          };
          const kept = keptSlice({ ...given, metadata: { ...metadata, annotations } }, node.name);
          expect(kept.owner).toBe(`${namespace!}/web`);
          expect([kept.name, kept.namespace, kept.uid, kept.resourceVersion]).toEqual([name, namespace, uid, version]);
          expect(kept.object.metadata).toMatchObject({ name, namespace, uid, resourceVersion: version });
          expect(kept.object.metadata.annotations ?? {}).toEqual(when === "" ? {} : annotations);
        },
      ),
    );
  });
});

function json(object: object): Buffer {
  return Buffer.from(JSON.stringify(object));
}

/** What upstream checks of mirroring (pkg/controller/endpointslicemirroring/reconciler_test.go). */
import { describe, expect, it } from "vitest";
import { plan, type Observed } from "../../../../../src/controlplane/controllers/endpoint_slice_mirroring/plan.ts";
import type { Endpoints, EndpointSlice } from "../../../../../src/model/kubernetes.ts";
import { created, meta, service, stored } from "../../../../fixtures/service_objects.ts";

const custom = service("web", { selector: {} });
const port = { name: "http", port: 80, protocol: "TCP" };

function endpoints(subsets: object[], metadata: object = {}): Endpoints {
  return { apiVersion: "v1", kind: "Endpoints", metadata: meta("web", metadata), subsets: subsets };
}
const run = (observed: Partial<Observed>) => plan({ endpoints: undefined, service: custom, slices: [], ...observed });
const one = endpoints([{ addresses: [{ ip: "192.0.2.1" }], ports: [port] }]);

function madeBy(observed: Partial<Observed>): EndpointSlice[] {
  return run(observed).flatMap((step, i) =>
    step.kind === "create" || step.kind === "update" ? [stored(step.slice, `web-${i}`)] : [],
  );
}

describe("custom Endpoints", () => {
  it("become a slice that is theirs, with their labels and annotations", () => {
    const annotations = {
      keep: "me",
      "endpoints.kubernetes.io/last-change-trigger-time": created,
      "kubectl.kubernetes.io/last-applied-configuration": "{}",
    };
    const subsets = [{ addresses: [{ ip: "192.0.2.1", hostname: "a", nodeName: "n1" }], ports: [port] }];
    expect(run({ endpoints: endpoints(subsets, { labels: { team: "a" }, annotations }) })).toEqual([
      {
        kind: "create",
        slice: {
          metadata: {
            generateName: "web-",
            namespace: "ns",
            labels: {
              team: "a",
              "kubernetes.io/service-name": "web",
              "endpointslice.kubernetes.io/managed-by": "endpointslicemirroring-controller.k8s.io",
            },
            annotations: { keep: "me" },
            ownerReferences: [
              {
                apiVersion: "v1",
                kind: "Endpoints",
                name: "web",
                uid: "uid-web",
                controller: true,
                blockOwnerDeletion: true,
              },
            ],
          },
          addressType: "IPv4",
          endpoints: [{ addresses: ["192.0.2.1"], conditions: { ready: true }, hostname: "a", nodeName: "n1" }],
          ports: [port],
        },
      },
    ]);
  });

  it("become a slice per family and set of ports, ready or not", () => {
    const made = madeBy({
      endpoints: endpoints([
        {
          addresses: [{ ip: "192.0.2.1" }, { ip: "2001:db8::1" }],
          notReadyAddresses: [{ ip: "192.0.2.2" }],
          ports: [port],
        },
        { addresses: [{ ip: "192.0.2.3" }], ports: [{ port: 443, protocol: "TCP" }] },
      ]),
    });
    const shown = made.map(({ addressType, ports, endpoints: all }) => [
      addressType,
      ports![0]!.port,
      ...all.map(({ addresses, conditions }) => `${addresses[0]!} ${conditions!.ready!}`),
    ]);
    expect(shown).toEqual([
      ["IPv4", 80, "192.0.2.1 true", "192.0.2.2 false"],
      ["IPv6", 80, "2001:db8::1 true"],
      ["IPv4", 443, "192.0.2.3 true"],
    ]);
  });

  it("are not mirrored twice, and a change rewrites the slice", () => {
    const slices = madeBy({ endpoints: one });
    expect(run({ endpoints: one, slices })).toEqual([]);
    const moved = endpoints([{ addresses: [{ ip: "192.0.2.9" }], ports: [port] }]);
    expect(run({ endpoints: moved, slices })).toMatchObject([
      { kind: "update", slice: { metadata: { name: "web-0" }, endpoints: [{ addresses: ["192.0.2.9"] }] } },
    ]);
    const otherPort = endpoints([{ addresses: [{ ip: "192.0.2.1" }], ports: [{ ...port, port: 81 }] }]);
    expect(run({ endpoints: otherPort, slices })).toMatchObject([
      { kind: "update", slice: { metadata: { name: "web-0" }, ports: [{ port: 81 }] } },
    ]);
    const labelled = endpoints([...one.subsets!], { labels: { a: "b" } });
    expect(run({ endpoints: labelled, slices })).toMatchObject([{ kind: "update" }]);
  });

  it("that are no more, or are not to be mirrored, lose their slices", () => {
    const slices = madeBy({ endpoints: one });
    const gone = [{ kind: "delete", slice: slices[0] }];
    expect(run({ slices })).toEqual(gone);
    expect(run({ endpoints: one, service: undefined, slices })).toEqual(gone);
    expect(run({ endpoints: one, service: service("web"), slices })).toEqual(gone);
    expect(run({ endpoints: endpoints([]), slices })).toEqual(gone);
    const skipped = endpoints([...one.subsets!], { labels: { "endpointslice.kubernetes.io/skip-mirror": "true" } });
    expect(run({ endpoints: skipped, slices })).toEqual(gone);
  });

  it("are cut at 1000 a subset, with an Event", () => {
    const addresses = Array.from({ length: 1010 }, (_, i) => ({ ip: `10.0.${Math.floor(i / 250)}.${i % 250}` }));
    const steps = run({ endpoints: endpoints([{ addresses, ports: [port] }]) });
    expect(steps.map(({ kind }) => kind)).toEqual(["create", "event"]);
    expect(steps[0]).toMatchObject({ slice: { endpoints: { length: 1000 } } });
    expect(steps[1]).toEqual({
      kind: "event",
      reason: "TooManyAddressesToMirror",
      message:
        "A max of 1000 addresses can be mirrored to EndpointSlices per Endpoints subset. 10 addresses were skipped",
    });
  });
});

/** What is done with a ServiceCIDR, by what refers to it: upstream's servicecidrs_controller_test.go. */
import { describe, expect, it } from "vitest";
import { finalizer, planServiceCidr } from "../../../../../src/controlplane/controllers/service_cidr/plan.ts";
import type { IPAddress, ObjectMeta, ServiceCIDR } from "../../../../../src/model/kubernetes.ts";

const now = Date.parse("2026-01-01T00:01:00Z");
const meta = (name: string, more: Partial<ObjectMeta> = {}): ObjectMeta => ({
  name,
  uid: name,
  resourceVersion: "1",
  creationTimestamp: "2026-01-01T00:00:00Z",
  ...more,
});
const cidr = (name: string, cidrs: string[], metadata: Partial<ObjectMeta> = {}, status?: object): ServiceCIDR => ({
  apiVersion: "networking.k8s.io/v1",
  kind: "ServiceCIDR",
  metadata: meta(name, metadata),
  spec: { cidrs },
  ...(status ? { status } : {}),
});
const address = (name: string) =>
  ({ apiVersion: "v1", kind: "IPAddress", metadata: meta(name), spec: {} }) as IPAddress;
const going = (secondsAgo: number, finalizers: string[] = [finalizer]): Partial<ObjectMeta> => ({
  deletionTimestamp: new Date(now - secondsAgo * 1000).toISOString(),
  finalizers,
});
const readyCondition = { type: "Ready", status: "True", reason: "", message: "m", lastTransitionTime: "t" };
const both = ["10.0.0.0/24", "fd00::/112"];

describe("a ServiceCIDR", () => {
  it("that is new gets its finalizer, and is ready", () => {
    const { steps } = planServiceCidr(cidr("a", both), [], [], now);
    expect(steps).toEqual([
      { type: "addFinalizer" },
      {
        type: "writeStatus",
        status: {
          conditions: [
            {
              type: "Ready",
              status: "True",
              reason: "",
              message: "Kubernetes Service CIDR is ready",
              lastTransitionTime: "2026-01-01T00:01:00Z",
            },
          ],
        },
      },
    ]);
  });

  it("that has both is left alone", () => {
    const settled = cidr("a", both, { finalizers: [finalizer] }, { conditions: [readyCondition] });
    expect(planServiceCidr(settled, [], [address("10.0.0.1")], now).steps).toEqual([]);
  });

  it.each<[string, ServiceCIDR[], string[], "goes" | "stays"]>([
    ["nobody has an address of", [], [], "goes"],
    ["somebody has an address of", [], ["10.0.0.7"], "stays"],
    ["somebody has an address of, of its second family", [], ["fd00::7"], "stays"],
    ["only others have addresses beside", [], ["10.0.1.7", "fd01::7"], "goes"],
    ["another holds whole", [cidr("b", ["10.0.0.0/16", "fd00::/64"])], ["10.0.0.7", "fd00::7"], "goes"],
    ["another is the same as", [cidr("b", both)], ["10.0.0.7"], "goes"],
    ["another holds the addresses of", [cidr("b", ["10.0.0.0/28"])], ["10.0.0.7"], "goes"],
    ["another holds some addresses of", [cidr("b", ["10.0.0.0/28"])], ["10.0.0.7", "10.0.0.200"], "stays"],
    ["another that goes too holds whole", [cidr("b", both, going(20))], ["10.0.0.7"], "stays"],
  ])("that is deleted and %s", (_what, others, addresses, becomes) => {
    const one = cidr("a", both, going(20));
    const { steps } = planServiceCidr(one, [one, ...others], addresses.map(address), now);
    if (becomes === "goes") return expect(steps).toEqual([{ type: "removeFinalizer" }]);
    expect(steps).toMatchObject([
      { type: "writeStatus", status: { conditions: [{ type: "Ready", status: "False", reason: "Terminating" }] } },
    ]);
  });

  it("that is deleted waits until every server knows of it", () => {
    expect(planServiceCidr(cidr("a", both, going(4)), [], [], now)).toEqual({ steps: [], againAfterMs: 6000 });
  });

  it("that has no finalizer of ours is nothing to us", () => {
    expect(planServiceCidr(cidr("a", both, going(20, ["a.io/other"])), [], [], now).steps).toEqual([]);
  });
});

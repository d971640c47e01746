/** Addresses for LoadBalancer Services; finalizer and Events as upstream's service controller has them. */
import { describe, expect, it } from "vitest";
import { plan, type Observed } from "../../../../../src/controlplane/controllers/service_load_balancer/plan.ts";
import {
  canonical,
  isInPool,
  nextFree,
  parsePool,
} from "../../../../../src/controlplane/controllers/service_load_balancer/pool.ts";
import type { Service } from "../../../../../src/model/kubernetes.ts";
import { service } from "../../../../fixtures/service_objects.ts";

const finalizer = "service.kubernetes.io/load-balancer-cleanup";
const pool = parsePool(["192.0.2.8/30", "2001:db8::10-2001:db8::11"]);

function balanced(name: string, spec: object = {}, metadata: object = {}, ips: readonly string[] = []): Service {
  const one = service(name, { type: "LoadBalancer", ...spec }, metadata);
  const ingress = ips.map((ip) => ({ ip, ipMode: "VIP" }));
  return ips.length === 0 ? one : { ...one, status: { loadBalancer: { ingress } } };
}
const held = (...ips: string[]) => balanced("web", {}, { finalizers: [finalizer] }, ips);

function run(one: Service, others: readonly Service[] = [], rest: Partial<Observed> = {}) {
  const ipsOf = ({ status }: Service) => (status?.loadBalancer?.ingress ?? []).map(({ ip }) => ip);
  const holders = (ip: string) => [one, ...others].filter((each) => ipsOf(each).includes(ip));
  return plan({ service: one, pool, holders, last: new Map(), ...rest }).map((step) =>
    step.kind === "event"
      ? `${step.event.reason}: ${step.event.message}`
      : step.kind === "ingress"
        ? step.ingress.map(({ ip, ipMode }) => `${ip!} ${ipMode!}`)
        : { finalizers: step.finalizers },
  );
}

const given = (...ips: string[]) => [
  "EnsuringLoadBalancer: Ensuring load balancer",
  { finalizers: [finalizer] },
  ips.map((ip) => `${ip} VIP`),
  "EnsuredLoadBalancer: Ensured load balancer",
];
const failed = (why: string) => `SyncLoadBalancerFailed: Error syncing load balancer: ${why}`;

describe("a LoadBalancer Service", () => {
  it("gets an address of each of its families", () => {
    expect(run(balanced("web"))).toEqual(given("192.0.2.8"));
    expect(run(balanced("web", { ipFamilies: ["IPv6", "IPv4"] }))).toEqual(given("2001:db8::10", "192.0.2.8"));
  });

  it("keeps what it has", () => {
    expect(run(held("192.0.2.10"))).toEqual([]);
  });

  it("gets none that another has", () => {
    const other = balanced("other", {}, { finalizers: [finalizer] }, ["192.0.2.8"]);
    expect(run(balanced("web"), [other])).toEqual(given("192.0.2.9"));
    expect(run(balanced("web"), [], { last: new Map([["IPv4", "192.0.2.10"]]) })).toEqual(given("192.0.2.11"));
  });

  it("waits when all are taken", () => {
    const others = [8, 9, 10, 11].map((n) => balanced(`s${n}`, {}, {}, [`192.0.2.${n}`]));
    expect(run(balanced("web"), others)).toEqual([failed("no IPv4 address of the pool is free")]);
  });

  it("gets the address that it asks for, if that may be", () => {
    const asking = (loadBalancerIP: string) => balanced("web", { loadBalancerIP });
    expect(run(asking("192.0.2.11"))).toEqual(given("192.0.2.11"));
    expect(run(asking("192.0.2.99"))).toEqual([failed("requested address 192.0.2.99 is not in the pool")]);
    const other = balanced("other", {}, {}, ["192.0.2.11"]);
    expect(run(asking("192.0.2.11"), [other])).toEqual([
      failed("requested address 192.0.2.11 is in use by Service ns/other"),
    ]);
    const moved = { ...held("192.0.2.8"), spec: asking("192.0.2.9").spec };
    expect(run(moved)).toContainEqual(["192.0.2.9 VIP"]);
  });

  it("gives way to an older one of the same address", () => {
    const older = balanced("older", {}, { creationTimestamp: "2025-01-01T00:00:00Z" }, ["192.0.2.8"]);
    const newer = balanced("newer", {}, { creationTimestamp: "2027-01-01T00:00:00Z" }, ["192.0.2.8"]);
    expect(run(held("192.0.2.8"), [older])).toContainEqual(["192.0.2.9 VIP"]);
    expect(run(held("192.0.2.8"), [newer])).toEqual([]);
  });

  it("moves when the pool does, and stays as it is without one", () => {
    expect(run(held("192.0.2.8"), [], { pool: parsePool(["198.51.100.1"]) })).toContainEqual(["198.51.100.1 VIP"]);
    expect(run(held("192.0.2.8"), [], { pool: [] })).toEqual([]);
    expect(run(balanced("web"), [], { pool: [] })).toEqual([]);
    const six = balanced("web", { ipFamilies: ["IPv6"] });
    const none = failed("the pool has no IPv6 addresses");
    expect(run(six, [], { pool: parsePool(["192.0.2.1"]) })).toEqual([none]);
  });

  it("of another class is left alone", () => {
    expect(run(balanced("web", { loadBalancerClass: "example.com/lb" }))).toEqual([]);
    expect(run(service("web"))).toEqual([]);
  });

  it.each([
    ["is another type now", { ...held("192.0.2.8"), spec: service("web").spec }],
    [
      "goes",
      balanced("web", {}, { finalizers: [finalizer], deletionTimestamp: "2026-01-01T00:00:00Z" }, ["192.0.2.8"]),
    ],
  ])("gives its address back when it %s", (_, one) => {
    expect(run(one)).toEqual([
      "DeletingLoadBalancer: Deleting load balancer",
      [],
      { finalizers: [] },
      "DeletedLoadBalancer: Deleted load balancer",
    ]);
  });
});

describe("a pool", () => {
  it.each([
    "192.0.2.0/33",
    "192.0.2.5-192.0.2.1",
    "192.0.2.1-2001:db8::1",
    "1.2.3",
    "a",
    "",
    "1.1.1.1-1.1.1.2-1.1.1.3",
  ])("is not of %j", (text) => {
    expect(() => parsePool([text])).toThrow(RangeError);
  });

  it("is of CIDRs, ranges and addresses", () => {
    const mixed = parsePool(["192.0.2.9/31", "192.0.2.20 - 192.0.2.21", "192.0.2.30", "2001:db8::/126"]);
    const all: string[] = [];
    for (const family of ["IPv4", "IPv6"] as const) {
      for (let last: string | undefined; ;) {
        last = nextFree(mixed, family, last, (ip) => all.includes(ip));
        if (last === undefined) break;
        all.push(last);
      }
    }
    expect(all.slice(0, 5)).toEqual(["192.0.2.8", "192.0.2.9", "192.0.2.20", "192.0.2.21", "192.0.2.30"]);
    expect(all.slice(5)).toEqual(["2001:db8::", "2001:db8::1", "2001:db8::2", "2001:db8::3"]);
    expect(all.every((ip) => isInPool(mixed, ip))).toBe(true);
    expect(isInPool(mixed, "192.0.2.22")).toBe(false);
    expect(canonical("2001:DB8:0::1")).toBe("2001:db8::1");
    expect(canonical("192.0.2.300")).toBeUndefined();
  });
});

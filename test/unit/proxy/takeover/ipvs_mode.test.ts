/** Of a machine's virtual servers those of an ipvs mode go, and nobody else's. */
import { beforeEach, describe, expect, it } from "vitest";
import { FairleadError } from "../../../../src/errors/catalogue.ts";
import type { IpAddress } from "../../../../src/model/address.ts";
import { FakeIpset } from "../../../../src/kernel/fake/ipset.ts";
import { FakeIpvs } from "../../../../src/kernel/fake/ipvs.ts";
import { FakeNetwork } from "../../../../src/kernel/fake/routing.ts";
import { serviceName, type IpvsServiceKey } from "../../../../src/kernel/netlink/ipvs/service.ts";
import type { RoutingPort } from "../../../../src/kernel/ports.ts";
import {
  describeIpvsMode,
  observeIpvsMode,
  removeIpvsMode,
  type IpvsModePorts,
} from "../../../../src/proxy/takeover/ipvs_mode.ts";

const key = (address: string, port: number, protocol: "tcp" | "udp" | "sctp" = "tcp"): IpvsServiceKey => ({
  address: address as IpAddress,
  port,
  protocol,
});

const theirs = [
  key("10.96.0.1", 443),
  key("10.96.0.10", 53, "udp"),
  key("fd96::1", 443),
  // Of node ports, at the machine's own addresses.
  key("192.0.2.1", 30_080),
  key("fd00::1", 30_081, "udp"),
  key("192.0.2.1", 30_082, "sctp"),
];
const others = [
  key("10.96.0.99", 443),
  key("192.0.2.1", 80),
  key("192.0.2.1", 30_080, "udp"),
  key("192.0.2.1", 30_081, "udp"),
  key("fd00::1", 30_080),
  key("198.51.100.1", 30_080),
  { family: "ip", mark: 30_080 } as const,
];

const found = async (ports: IpvsModePorts) => describeIpvsMode(await observeIpvsMode(ports));

describe("an ipvs mode's virtual servers", () => {
  let routing: RoutingPort;
  let ipset: FakeIpset;
  let ipvs: FakeIpvs;
  const servers = async () => (await ipvs.services()).map((service) => serviceName(service.key)).sort();
  const names = (keys: readonly IpvsServiceKey[]) => keys.map(serviceName).sort();

  async function address(index: number, local: string): Promise<void> {
    const prefixLength = local.includes(":") ? 128 : 32;
    const value = { index, local: local as IpAddress, prefixLength };
    const [error] = await routing.apply([{ verb: "add", object: "address", value }]);
    if (error) throw error;
  }

  async function device(name: string): Promise<number> {
    await routing.apply([{ verb: "add", object: "link", value: { name, info: { kind: "dummy" } } }]);
    return (await routing.link({ name }))!.index;
  }

  beforeEach(async () => {
    [routing, ipset, ipvs] = [new FakeNetwork().createNamespace().openRouting(), new FakeIpset(), new FakeIpvs()];
    const ours = await device("kube-ipvs0");
    for (const local of ["10.96.0.1", "10.96.0.10", "fd96::1"]) await address(ours, local);
    const eth0 = await device("eth0");
    for (const local of ["192.0.2.1", "fd00::1"]) await address(eth0, local);
    const ports = { type: "bitmap:port", portFrom: 0, portTo: 65_535 } as const;
    const sctp = { ip: "192.0.2.1" as IpAddress, port: 30_082, protocol: "sctp" } as const;
    const outcomes = await ipset.apply([
      { verb: "create", set: "KUBE-NODE-PORT-TCP", definition: ports },
      { verb: "add", set: "KUBE-NODE-PORT-TCP", elements: [{ port: 30_080 }] },
      { verb: "create", set: "KUBE-6-NODE-PORT-UDP", definition: ports },
      { verb: "add", set: "KUBE-6-NODE-PORT-UDP", elements: [{ port: 30_081 }] },
      { verb: "create", set: "KUBE-NODE-PORT-SCTP-HASH", definition: { type: "hash:ip,port", family: "ip" } },
      { verb: "add", set: "KUBE-NODE-PORT-SCTP-HASH", elements: [sctp] },
      { verb: "create", set: "MINE", definition: ports },
      { verb: "add", set: "MINE", elements: [{ port: 80 }] },
    ]);
    expect(outcomes.filter((error) => error)).toEqual([]);
    const added = [...theirs, ...others].map((one) => ({
      verb: "addService" as const,
      service: { key: one, scheduler: "rr" },
    }));
    expect((await ipvs.apply(added)).filter((error) => error)).toEqual([]);
  });

  it("are found by the device's addresses and the sets' ports, and go with both", async () => {
    const ports = { routing, ipset, ipvs };
    expect(await found(ports)).toEqual([
      "6 virtual servers of the ipvs mode",
      "3 ipsets of the ipvs mode",
      "ipvs device kube-ipvs0",
    ]);
    await removeIpvsMode(ports);
    expect(await servers()).toEqual(names(others));
    expect((await ipset.list()).map(({ name }) => name)).toEqual(["MINE"]);
    expect(await routing.link({ name: "kube-ipvs0" })).toBeUndefined();
    expect(await found(ports)).toEqual([]);
  });

  it("are nobody's where there is neither device nor set", async () => {
    await removeIpvsMode({ routing, ipset, ipvs: undefined });
    expect(await servers()).toEqual(names([...theirs, ...others]));
    expect(await found({ routing, ipset, ipvs })).toEqual([]);
  });

  it("stay unknown where the kernel has neither loaded", async () => {
    expect(await found({ routing, ipset: undefined, ipvs: undefined })).toEqual(["ipvs device kube-ipvs0"]);
  });

  it("tell in which order they go, and what the kernel refuses of it when all else is gone", async () => {
    const calls: string[] = [];
    const refused = new FairleadError("NETLINK_REFUSED", { subject: "KUBE-NODE-PORT-TCP", reason: "in use" });
    const noted: IpvsModePorts = {
      routing: noting(routing, (changes: readonly object[]) => calls.push(`${changes.length} changes of links`)),
      ipvs: noting(ipvs, (steps: readonly object[]) => calls.push(`${steps.length} changes of servers`)),
      ipset: noting(ipset, (steps: readonly object[]) => calls.push(`${steps.length} changes of sets`), refused),
    };
    await expect(removeIpvsMode(noted)).rejects.toBe(refused);
    expect(calls).toEqual(["1 changes of links", "6 changes of servers", "3 changes of sets"]);
    expect((await ipset.list()).map(({ name }) => name)).toEqual(["MINE"]);
  });

  it("have sets whose names are cut, of IPv6", async () => {
    const cut = ["KUBE-6-NODE-PORT-LOCAL-SCTP-HAS", "KUBE-6-LOAD-BALANCER-SOURCE-CID"];
    const near = ["KUBE-CLUSTER-IPS", "MINE-KUBE-CLUSTER-IP", "KUBE-ROUTER-POD", "cali40masq"];
    const definition = { type: "hash:ip", family: "ip6" } as const;
    await ipset.apply([...cut, ...near].map((set) => ({ verb: "create", set, definition })));
    expect((await observeIpvsMode({ routing, ipset, ipvs })).sets).toEqual(expect.arrayContaining(cut));
    await removeIpvsMode({ routing, ipset, ipvs });
    expect((await ipset.list()).map(({ name }) => name).sort()).toEqual(["MINE", ...near].sort());
  });
});

interface Applying<S> {
  apply(steps: readonly S[]): Promise<readonly (FairleadError | null)[]>;
}

/** The port, which tells of what it applies. @param refused what it then says of the first step */
function noting<S, P extends Applying<S>>(port: P, tell: (steps: readonly S[]) => void, refused?: FairleadError): P {
  return new Proxy(port, {
    get: (of, name) => {
      if (name !== "apply") return (of[name as keyof P] as (...args: unknown[]) => unknown).bind(of);
      return async (steps: readonly S[]) => {
        tell(steps);
        const outcomes = await of.apply(steps);
        return outcomes.map((outcome, i) => (i === 0 ? (refused ?? outcome) : outcome));
      };
    },
  });
}

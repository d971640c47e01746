/** Which links the fast path takes part in, and what it does where the kernel or an earlier version is another. */
import { describe, expect, it } from "vitest";
import type { FairleadError } from "../../../src/errors/catalogue.ts";
import type { FakeBpf } from "../../../src/kernel/fake/bpf.ts";
import { FakeSysctl } from "../../../src/kernel/fake/sysctl.ts";
import type { Link } from "../../../src/kernel/netlink/rtnetlink/link.ts";
import type { Qdisc } from "../../../src/kernel/netlink/rtnetlink/tc.ts";
import type { RoutingPort } from "../../../src/kernel/ports.ts";
import type { IpAddress, MacAddress } from "../../../src/model/address.ts";
import { FastPath, removeFastPath } from "../../../src/network/fast_path/fast_path.ts";
import { planFastPath, type ObservedFastPath } from "../../../src/network/fast_path/plan.ts";
import { encodeLink, names } from "../../../src/network/fast_path/state.ts";
import type { PodLink } from "../../../src/network/links/link.ts";
import { podLinkGroup } from "../../../src/network/links/names.ts";
import { fakeFastPathBpf, fastPathObject } from "../../fixtures/fake_fast_path.ts";

const pod = (n: number, changes: Partial<PodLink> = {}): PodLink => ({
  mode: "routed",
  bridge: "",
  hostLink: `flp${n}`,
  alias: "",
  ifName: "eth0",
  mac: `02:00:00:00:00:0${n}` as MacAddress,
  mtu: 1500,
  addresses: [
    { family: "IPv4", address: `10.244.1.${n}` as IpAddress, subnetLength: 24, gateway: "10.244.1.1" as IpAddress },
    { family: "IPv6", address: `fd00::${n}` as IpAddress, subnetLength: 64, gateway: "fd00::1" as IpAddress },
  ],
  routes: [],
  ingress: { rate: 0, burst: 0 },
  egress: { rate: 0, burst: 0 },
  ...changes,
});

const link = (index: number, name: string, kind: string, group = 0) =>
  ({ index, name, group, info: { kind } }) as unknown as Link;
const podLink = (n: number): Link => link(n, `flp${n}`, "veth", podLinkGroup);
const vtep = link(9, "fairlead.1", "vxlan");
const others = [link(1, "lo", "loopback"), link(20, "vxlan0", "vxlan"), link(21, "flp21", "veth")];
const qdisc = (index: number, parent: string, kind: string) => ({ index, parent, kind }) as unknown as Qdisc;
const isTunnel = (name: string): boolean => name === "fairlead.1";

function plan(observed: Partial<ObservedFastPath>, pods: readonly PodLink[], outdated: readonly number[] = []) {
  const nothing = { links: [], qdiscs: [], attached: new Map(), entries: new Map() };
  const wanted = { pods, isTunnel, program: 7, outdated: new Set(outdated) };
  return planFastPath({ ...nothing, ...observed }, wanted);
}

const { mac, addresses } = pod(2);
const [IPv4, IPv6] = [addresses[0]!.address, addresses[1]!.address];
const hex = (isPeer: boolean): string => encodeLink({ pod: { mac, IPv4, IPv6 }, isPeer }).toString("hex");
const tunnel = encodeLink({ pod: undefined, isPeer: false }).toString("hex");

describe("a link as the program has it", () => {
  it("has flags, addresses and the MAC address where pod_fast_path.h has them", () => {
    const v6 = "fd000000000000000000000000000002";
    expect(hex(true)).toBe(`020000000af40102${v6}0200000000020000`);
    expect(hex(false)).toBe(`000000000af40102${v6}0200000000020000`);
    expect(tunnel).toBe(`04000000${"00".repeat(28)}`);
  });
});

describe("the plan of the fast path", () => {
  it("takes pods' links and tunnels, and nobody else's", () => {
    expect(plan({ links: [podLink(2), vtep, ...others] }, [pod(2), pod(21)])).toEqual([
      { step: "set link", index: 2, value: hex(true) },
      { step: "set link", index: 9, value: tunnel },
      { step: "attach", index: 2 },
      { step: "attach", index: 9 },
    ]);
  });

  it("does nothing where all is there, and takes away what went", () => {
    const entries = new Map([
      [2, hex(true)],
      [9, tunnel],
    ]);
    const attached = new Map([
      [2, [7]],
      [9, [7]],
    ]);
    expect(plan({ links: [podLink(2), vtep], attached, entries }, [pod(2)])).toEqual([]);
    expect(plan({ links: [podLink(2), vtep], attached, entries }, [])).toEqual([
      { step: "forget link", index: 2 },
      { step: "detach", index: 2, program: 7 },
    ]);
  });

  it("goes by the queue of a link that has one, and leaves alone one whose ingress others use", () => {
    const links = [podLink(2)];
    const values = (qdiscs: readonly Qdisc[], attached = new Map<number, number[]>()) =>
      plan({ links, qdiscs, attached }, [pod(2)]).flatMap((step) => (step.step === "set link" ? step.value : []));
    expect(values([qdisc(2, "root", "noqueue")])).toEqual([hex(true)]);
    expect(values([qdisc(2, "root", "tbf")])).toEqual([hex(false)]);
    expect(values([qdisc(3, "root", "tbf")])).toEqual([hex(true)]);
    expect(values([qdisc(2, "clsact", "ingress")])).toEqual([]);
    expect(values([], new Map([[2, [99]]]))).toEqual([]);
  });

  it("leaves pods on a bridge to it", () => {
    expect(plan({ links: [podLink(2)] }, [pod(2, { mode: "bridge" })])).toEqual([]);
  });

  it("puts this version beside an older one before that goes", () => {
    expect(plan({ links: [vtep], attached: new Map([[9, [3]]]), entries: new Map([[9, tunnel]]) }, [], [3])).toEqual([
      { step: "attach", index: 9 },
      { step: "detach", index: 9, program: 3 },
    ]);
  });
});

describe("the fast path", () => {
  const links = [podLink(2), vtep];
  const routing = {
    links: () => Promise.resolve(links),
    qdiscs: () => Promise.resolve([]),
  } as unknown as RoutingPort;
  const hasLink = (index: number): boolean => [1, 2, 9].includes(index);
  const liberal = "net.netfilter.nf_conntrack_tcp_be_liberal";

  function open(bpf: FakeBpf, parameters: Readonly<Record<string, string>> = { [liberal]: "0" }) {
    const sysctl = new FakeSysctl(parameters);
    const probed: (FairleadError | undefined)[] = [];
    const path = new FastPath({
      bpf,
      routing,
      sysctl,
      pods: () => [pod(2)],
      isTunnel,
      onError: (error) => probed.push(error as FairleadError),
      onProbed: (why) => probed.push(why),
    });
    return { path, sysctl, probed };
  }

  it("is off on a kernel that cannot, which is said once", async () => {
    const bpf = fakeFastPathBpf({ hasLink, hasTcx: false });
    const { path, sysctl, probed } = open(bpf);
    await path.sync();
    await path.sync();
    expect(probed.map((why) => why?.errno)).toEqual([22]);
    expect([path.links, await path.packets(), await sysctl.read(liberal)]).toEqual([0, 0, "0"]);
    await removeFastPath(bpf, routing);
    await path.stop();
  });

  it("waits for conntrack, of which the program needs functions", async () => {
    const { path, probed } = open(fakeFastPathBpf({ hasLink, objects: {} }), {});
    await path.sync();
    expect(probed).toEqual([]);
    await path.stop();
  });

  it("takes over what runs, and replaces what is another version", async () => {
    const objects = { [names.object]: fastPathObject };
    const bpf = fakeFastPathBpf({ hasLink, objects });
    const attached = async () => [await bpf.attached(2), await bpf.attached(9)];
    const turn = async (): Promise<void> => {
      const { path, sysctl } = open(bpf);
      await path.sync();
      expect([path.links, await sysctl.read(liberal)]).toEqual([2, "1"]);
      await path.stop();
      expect(bpf.openHandles).toBe(0);
    };
    await turn();
    const first = await attached();
    expect([first[0]!.length, first[1]]).toEqual([1, first[0]]);
    await turn();
    expect(await attached()).toEqual(first);
    objects[names.object] = { ...fastPathObject, tag: 2n };
    await turn();
    const second = await attached();
    expect([second[0]!.length, second[1]]).toEqual([1, second[0]]);
    expect(second).not.toEqual(first);
    await removeFastPath(bpf, routing);
    expect(await attached()).toEqual([[], []]);
    expect(bpf.openHandles).toBe(0);
  });
});

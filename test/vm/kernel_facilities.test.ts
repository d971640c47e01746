/** What the guest's kernel offers and the host's may lack: the ground that every other test in here stands on. */
import { execFileSync } from "node:child_process";
import { release } from "node:os";
import { expect, test } from "vitest";
import { openGenericNetlink } from "../../src/kernel/real/generic_netlink.ts";

/** One shell a test: to start a process from node costs most of a test's time under emulation. */
function sh(script: string): string {
  return execFileSync("sh", ["-ec", script], { encoding: "utf8" });
}

test("this is the guest, not the host", () => {
  expect(process.env["FAIRLEAD_IN_VM"]).toBe(release());
});

test.each(["IPVS", "wireguard", "nlctrl"])("the generic netlink family %s resolves", async (name) => {
  const port = await openGenericNetlink();
  try {
    const { id } = (await port.family(name)) ?? {};
    // iproute2's genl is the oracle.
    expect(sh(`genl ctrl get name ${name}`)).toMatch(new RegExp(`Name: ${name}\\s+ID: 0x${id?.toString(16)} `));
  } finally {
    port.close();
  }
});

test("IPVS balances by every scheduler", () => {
  const schedulers = ["rr", "wrr", "lc", "wlc", "sh", "mh", "sed", "nq", "dh", "lblc", "lblcr", "fo", "ovf"];
  const services = schedulers.map((name, i) => `ipvsadm --add-service --tcp-service 10.96.0.1:${i + 1} -s ${name}`);
  const listed = sh([...services, "ipvsadm --list --numeric", "ipvsadm --clear"].join("\n"));
  schedulers.forEach((name, i) => expect(listed).toMatch(new RegExp(`TCP +10\\.96\\.0\\.1:${i + 1} ${name}\\s`)));
});

test.each([
  ["dummy", ""],
  ["wireguard", ""],
  ["bridge", ""],
  ["veth", ""],
  ["vxlan", "id 1 dstport 4789"],
  ["geneve", "id 1 remote 10.0.0.1"],
  ["vrf", "table 10"],
])("a link of the type %s can be added", (type, options) => {
  const shown = sh(`ip link add fairlead0 type ${type} ${options}
    ip -details link show fairlead0
    ip link delete fairlead0`);
  expect(shown).toContain(type);
});

test.each(["ipvlan", "macvlan"])("a link of the type %s can be added over another", (type) => {
  const shown = sh(`ip link add fairlead0 type dummy
    ip link add fairlead1 link fairlead0 type ${type}
    ip -details link show fairlead1
    ip link delete fairlead0`);
  expect(shown).toContain(type);
});

test.each(["iptables-nft", "iptables-legacy"])("%s matches connections by their IPVS service", (iptables) => {
  const rules = sh(`${iptables} -t nat -A POSTROUTING -m ipvs --vaddr 10.96.0.1 -j MASQUERADE
    ${iptables} -t nat -S POSTROUTING
    ${iptables} -t nat -F POSTROUTING`);
  expect(rules).toContain("-m ipvs --vaddr 10.96.0.1");
});

test("a set of addresses and ports can be made", () => {
  expect(sh("ipset create fairlead hash:ip,port,ip; ipset list -name; ipset destroy fairlead")).toContain("fairlead");
});

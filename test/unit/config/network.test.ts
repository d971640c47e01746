import { Command } from "commander";
import { describe, expect, it } from "vitest";
import { configureFlags, fieldsOf } from "../../../src/cmd/network_flags.ts";
import { networkConfiguration } from "../../../src/config/network.ts";
import { checkConfig } from "../../../src/config/read.ts";
import { offloadFor } from "../../../src/network/overlay/offload.ts";

const type = { apiVersion: "network.config.fairlead.io/v1alpha1", kind: "NetworkConfiguration" };

function read(fields: object, ...argv: readonly string[]) {
  const command = new Command().exitOverride();
  configureFlags(command);
  command.parse([...argv], { from: "user" });
  return checkConfig(fieldsOf(command, { ...type, ...fields }), "file.yaml", networkConfiguration);
}

describe("NetworkConfiguration", () => {
  it("has flannel's defaults", () => {
    expect(read({})).toMatchObject({
      overlay: { mode: "vxlan", vni: 1, port: 8472, linkName: "fairlead", checksumOffload: "auto" },
      ipMasq: { enabled: true, nonMasqueradeCIDRs: [] },
      clusterCIDRs: [],
      mtu: 0,
      cni: { confDir: "/etc/cni/net.d", confName: "10-fairlead.conflist", writeConflist: true, podLinks: "routed" },
      metricsBindAddress: { host: "127.0.0.1", port: 10_245 },
    });
  });

  it("takes ranges as such, whatever their host bits", () => {
    expect(read({ clusterCIDRs: ["10.244.7.1/16"] }).clusterCIDRs).toEqual([
      { family: "IPv4", address: "10.244.0.0", prefix: 16 },
    ]);
  });

  it("lets flags stand above fields, and leaves the others", () => {
    const fields = { overlay: { mode: "auto", vni: 7 }, ipMasq: { nonMasqueradeCIDRs: ["192.0.2.0/24"] }, mtu: 9000 };
    const flags = ["--vni", "9", "--no-ip-masq", "--node-ip", "192.0.2.1,2001:db8::1", "--cluster-cidr", "10.0.0.0/8"];
    expect(read(fields, ...flags)).toMatchObject({
      overlay: { mode: "auto", vni: 9 },
      ipMasq: { enabled: false, nonMasqueradeCIDRs: [{ address: "192.0.2.0" }] },
      mtu: 9000,
      nodeIPs: ["192.0.2.1", "2001:db8::1"],
      clusterCIDRs: [{ address: "10.0.0.0", prefix: 8 }],
    });
  });

  it.each([
    [{ overlay: { vni: -1 } }, "overlay.vni: must be from 0 to 16777215"],
    [{ overlay: { port: 0 } }, "overlay.port: must be from 1 to 65535"],
    [{ overlay: { mode: "wireguard" } }, "overlay.mode: "],
    [{ overlay: { linkName: "a/b" } }, "overlay.linkName: must be letters"],
    [{ overlay: { linkName: "fairleadnet" } }, 'overlay.linkName: "fairleadnet-v6.<vni>" must not be over 15 bytes'],
    [{ clusterCIDRs: ["10.0.0.0"] }, 'clusterCIDRs[0]: "10.0.0.0" is no range'],
    [{ nodeIPs: ["10.0.0.1", "10.0.0.2"] }, "nodeIPs: must be of two families"],
    [{ nodeIPs: ["node"] }, "nodeIPs[0]: must be an IP address"],
    [{ mtu: 67 }, "mtu: must be 0, or from 68 to 65535"],
    [{ cni: { socket: "cni.sock" } }, "cni.socket: must be an absolute path"],
    [{ cni: { confName: "../x.conflist" } }, "cni.confName: must be the name of a file that ends in .conflist"],
    [{ reserved: ["x"] }, "reserved[0]: must be an address or a range"],
    [{ metricsBindAddress: "localhost:1" }, "metricsBindAddress: must be a valid IP"],
    [{ colour: "red" }, "colour: unknown field"],
    [{ kind: "KubeProxyConfiguration" }, "kind: "],
  ])("refuses %j", (fields, message) => {
    expect(() => read(fields)).toThrow(message);
  });
});

describe("checksums of tunnels", () => {
  it.each([
    ["5.6.19", false],
    ["4.18.0-553.el8.x86_64", false],
    ["5.7.0", undefined],
    ["6.1.0-13-amd64", undefined],
    ["10.0", undefined],
  ])("on kernel %s: %s", (release, wanted) => expect(offloadFor(release)).toBe(wanted));
});

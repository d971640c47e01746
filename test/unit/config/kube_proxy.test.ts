/** Upstream's configuration files are read as upstream reads them, and bad ones are refused field by field. */
import { describe, expect, it } from "vitest";
import { parseDuration } from "../../../src/config/duration.ts";
import { foreignFields, kubeProxyConfiguration, type KubeProxyConfiguration } from "../../../src/config/kube_proxy.ts";
import { parseConfig } from "../../../src/config/read.ts";
import type { FairleadError } from "../../../src/errors/catalogue.ts";

const head = "apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\n";
const read = (body = ""): KubeProxyConfiguration => parseConfig(head + body, "proxy.yaml", kubeProxyConfiguration);

describe("a configuration", () => {
  it("of nothing has upstream's defaults", () => {
    expect(read()).toMatchObject({
      mode: "auto",
      bindAddress: "0.0.0.0",
      healthzBindAddress: { host: "0.0.0.0", port: 10256 },
      metricsBindAddress: { host: "127.0.0.1", port: 10249 },
      oomScoreAdj: -999,
      configSyncPeriod: 900_000,
      detectLocalMode: "ClusterCIDR",
      iptables: { masqueradeBit: 14, syncPeriod: 30_000, minSyncPeriod: 1000, localhostNodePorts: true },
      nftables: { masqueradeBit: 14, syncPeriod: 30_000, minSyncPeriod: 0 },
      ipvs: { syncPeriod: 30_000, minSyncPeriod: 0, scheduler: "", excludeCIDRs: [] },
      conntrack: {
        maxPerCore: 32_768,
        min: 131_072,
        tcpEstablishedTimeout: 86_400_000,
        tcpCloseWaitTimeout: 3_600_000,
      },
      clientConnection: { qps: 5, burst: 10, contentType: "application/vnd.kubernetes.protobuf" },
    });
    expect(read().nodePortAddresses).toBeUndefined();
  });

  it("as kubeadm writes it is taken", () => {
    const config = read(`
bindAddress: 0.0.0.0
bindAddressHardFail: false
clientConnection:
  acceptContentTypes: ""
  burst: 0
  contentType: ""
  kubeconfig: /var/lib/kube-proxy/kubeconfig.conf
  qps: 0
clusterCIDR: 10.244.0.0/16
configSyncPeriod: 0s
conntrack:
  maxPerCore: null
  min: null
  tcpBeLiberal: false
  tcpCloseWaitTimeout: null
  tcpEstablishedTimeout: null
  udpStreamTimeout: 0s
  udpTimeout: 0s
detectLocal:
  bridgeInterface: ""
  interfaceNamePrefix: ""
detectLocalMode: ""
enableProfiling: false
healthzBindAddress: ""
hostnameOverride: ""
iptables:
  localhostNodePorts: null
  masqueradeAll: false
  masqueradeBit: null
  minSyncPeriod: 0s
  syncPeriod: 0s
ipvs:
  excludeCIDRs: null
  minSyncPeriod: 0s
  scheduler: ""
  strictARP: false
  syncPeriod: 0s
  tcpFinTimeout: 0s
  tcpTimeout: 0s
  udpTimeout: 0s
logging:
  flushFrequency: 0
  options:
    json:
      infoBufferSize: "0"
  verbosity: 0
metricsBindAddress: ""
mode: ""
nftables:
  masqueradeAll: false
  masqueradeBit: null
  minSyncPeriod: 0s
  syncPeriod: 0s
nodePortAddresses: null
oomScoreAdj: null
portRange: ""
showHiddenMetricsForVersion: ""
winkernel:
  enableDSR: false
  forwardHealthCheckVip: false
  networkName: ""
  rootHnsEndpointName: ""
  sourceVip: ""
`);
    expect(config.iptables).toMatchObject({ masqueradeBit: 14, minSyncPeriod: 1000, localhostNodePorts: true });
    expect(config.clientConnection).toMatchObject({ qps: 5, burst: 10 });
    expect(config.conntrack.tcpEstablishedTimeout).toBe(86_400_000);
    expect(foreignFields(config)).toEqual([]);
  });

  it("keeps what upstream tells from a default", () => {
    const config = read("conntrack: { maxPerCore: 0, tcpEstablishedTimeout: 0s }\nbindAddress: '::'\n");
    expect(config.conntrack).toMatchObject({ maxPerCore: 0, tcpEstablishedTimeout: 0 });
    expect(config.healthzBindAddress).toEqual({ host: "::", port: 10256 });
    expect(config.metricsBindAddress).toEqual({ host: "::1", port: 10249 });
  });

  it("of another platform is told apart", () => {
    expect(foreignFields(read("winkernel: { enableDSR: true }\nwindowsRunAsService: true\n"))).toEqual([
      "winkernel.enableDSR",
      "windowsRunAsService",
    ]);
  });

  for (const [body, reason] of [
    ["iptables: { masqueradeBit: 32 }", "iptables.masqueradeBit: must be within the range [0, 31]"],
    ["nftables: { syncPeriod: -1s }", "nftables.syncPeriod: must be greater than 0"],
    [
      "nftables: { syncPeriod: 1s, minSyncPeriod: 2s }",
      "nftables.syncPeriod: must be greater than or equal to minSyncPeriod",
    ],
    ["ipvs: { scheduler: random }", "ipvs.scheduler: "],
    ["ipvs: { excludeCIDRs: [10.0.0.0/8, ten] }", "ipvs.excludeCIDRs[1]: must be a valid IP block"],
    ["conntrack: { min: -1 }", "conntrack.min: must be greater than or equal to 0"],
    ["conntrack: { udpTimeout: soon }", 'conntrack.udpTimeout: "soon" is not a duration'],
    ["mode: kernelspace", "mode: must be auto,userspace,iptables,ipvs,nftables,ebpf or blank"],
    ["clusterCIDR: 10.244.0.0", "clusterCIDR: must be a valid CIDR block"],
    ["clusterCIDR: 10.244.0.0/16,10.245.0.0/16", "clusterCIDR: must be a valid DualStack CIDR"],
    ["healthzBindAddress: '0.0.0.0:99999'", "healthzBindAddress: must be a valid port"],
    ["metricsBindAddress: localhost:1", "metricsBindAddress: must be a valid IP"],
    ["bindAddress: node", "bindAddress: not a valid textual representation of an IP address"],
    ["nodePortAddresses: [primary, eth0]", "nodePortAddresses[1]: must be a valid IP block"],
    ["oomScoreAdj: 1001", "oomScoreAdj: must be within the range [-1000, 1000]"],
    ["detectLocalMode: BridgeInterface", "detectLocal.bridgeInterface: must be set for BridgeInterface"],
    ["modes: nftables", "modes: unknown field"],
    ["iptables: { masqueradebit: 3 }", "iptables.masqueradebit: unknown field"],
    ["mode: nftables\nmode: ipvs", "Map keys must be unique"],
    ["featureGates: { A: maybe }", "featureGates.A: "],
  ] as const) {
    it(`with ${JSON.stringify(body)} is refused by its field`, () => {
      const error = refusal(body);
      expect(error.code).toBe("CONFIG_INVALID");
      expect(error.message).toContain("proxy.yaml");
      expect(error.message).toContain(reason);
    });
  }

  it("that is wrong in two places is told both", () => {
    const { message } = refusal("oomScoreAdj: 5000\nbindAddress: x\n");
    expect(message).toContain("oomScoreAdj: ");
    expect(message).toContain("bindAddress: ");
  });
});

function refusal(body: string): FairleadError {
  try {
    read(body);
  } catch (error) {
    return error as FairleadError;
  }
  throw new Error("it was taken");
}

describe("a duration", () => {
  it("is read as Go reads it", () => {
    const texts = ["0", "1h15m30.5s", "300ms", "-1.5h", "1.5us", ".5s"];
    expect(texts.map(parseDuration)).toEqual([0, 4_530_500, 300, -5_400_000, 0.0015, 500]);
    expect(["", "1", "1 s", "s", "1d", "1h-3m"].map(parseDuration)).toEqual(Array(6).fill(undefined));
  });
});

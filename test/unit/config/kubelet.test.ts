/** KubeletConfiguration as upstream reads it: its defaults, its bounds, and every wrong field by its path. */
import { describe, expect, it } from "vitest";
import { kubeletConfiguration, type KubeletConfiguration } from "../../../src/config/kubelet.ts";
import { unservedFields } from "../../../src/config/kubelet_unserved.ts";
import { parseConfig } from "../../../src/config/read.ts";

const head = "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n";
const read = (body = ""): KubeletConfiguration => parseConfig(head + body, "kubelet.yaml", kubeletConfiguration);

describe("a configuration", () => {
  it("of nothing has upstream's defaults", () => {
    expect(read()).toMatchObject({
      port: 10_250,
      healthzPort: 10_248,
      maxPods: 110,
      syncFrequency: 60_000,
      nodeStatusUpdateFrequency: 10_000,
      nodeStatusReportFrequency: 300_000,
      nodeLeaseDurationSeconds: 40,
      runtimeRequestTimeout: 120_000,
      serializeImagePulls: true,
      cgroupDriver: "cgroupfs",
      cpuCFSQuotaPeriod: 100,
      podLogsDir: "/var/log/pods",
      containerRuntimeEndpoint: "unix:///run/containerd/containerd.sock",
      authentication: { anonymous: { enabled: false }, webhook: { enabled: true, cacheTTL: 120_000 } },
      authorization: { mode: "Webhook", webhook: { cacheAuthorizedTTL: 300_000, cacheUnauthorizedTTL: 30_000 } },
      enforceNodeAllocatable: ["pods"],
      crashLoopBackOff: { maxContainerRestartPeriod: 300_000 },
      podPidsLimit: -1,
    });
    expect(unservedFields(read())).toEqual([]);
  });

  it("as kubeadm writes it is taken, with zeros for defaults", () => {
    const config = read(`
authentication: { anonymous: { enabled: false }, webhook: { cacheTTL: 0s, enabled: true }, x509: { clientCAFile: /etc/kubernetes/pki/ca.crt } }
authorization: { mode: Webhook, webhook: { cacheAuthorizedTTL: 0s, cacheUnauthorizedTTL: 0s } }
cgroupDriver: systemd
clusterDNS: [10.96.0.10]
clusterDomain: cluster.local
containerRuntimeEndpoint: ""
cpuManagerReconcilePeriod: 0s
crashLoopBackOff: {}
evictionPressureTransitionPeriod: 0s
fileCheckFrequency: 0s
healthzBindAddress: 127.0.0.1
healthzPort: 10248
httpCheckFrequency: 0s
imageMaximumGCAge: 0s
imageMinimumGCAge: 0s
logging: { flushFrequency: 0, options: { json: { infoBufferSize: "0" } }, verbosity: 0 }
memorySwap: {}
nodeStatusReportFrequency: 0s
nodeStatusUpdateFrequency: 0s
rotateCertificates: true
runtimeRequestTimeout: 0s
shutdownGracePeriod: 0s
shutdownGracePeriodCriticalPods: 0s
staticPodPath: /etc/kubernetes/manifests
streamingConnectionIdleTimeout: 0s
syncFrequency: 0s
volumeStatsAggPeriod: 0s
`);
    expect(config).toMatchObject({
      clusterDNS: ["10.96.0.10"],
      runtimeRequestTimeout: 120_000,
      cgroupDriver: "systemd",
    });
    expect(unservedFields(config)).toEqual([]);
  });

  it("takes what is said of one field for another, as upstream does", () => {
    expect(read("maxParallelImagePulls: 4").serializeImagePulls).toBe(false);
    expect(read("nodeStatusUpdateFrequency: 20s").nodeStatusReportFrequency).toBe(20_000);
  });

  it.each([
    ["maxPods: -1", "maxPods: must not be a negative number"],
    ["port: 70000", "port: must be between 0 and 65535, inclusive"],
    ["mysteries: 1", "mysteries: unknown field"],
    ["authentication: { x509: { caFile: a } }", "authentication.x509.caFile: unknown field"],
    ["imageGCLowThresholdPercent: 90", "imageGCLowThresholdPercent: must be less than imageGCHighThresholdPercent"],
    ["podLogsDir: logs", "podLogsDir: must be an absolute path"],
    ["podLogsDir: /var//log", "podLogsDir: must be normalized"],
    ["cpuCFSQuotaPeriod: 2s", "cpuCFSQuotaPeriod: must be between 1ms and 1sec, inclusive"],
    ["evictionHard: { memory.free: 1Mi }", "evictionHard.memory.free: unknown field"],
    ["evictionHard: { memory.available: much }", "evictionHard.memory.available: must be a quantity or a percentage"],
    ["kubeReserved: { gpu: 1 }", "kubeReserved.gpu: unknown field"],
    ["registerWithTaints: [{ key: a, effect: Never }]", "registerWithTaints[0].effect: must be NoSchedule"],
    ["cgroupsPerQOS: false", "enforceNodeAllocatable: needs cgroupsPerQOS to be true"],
    ["enforceNodeAllocatable: [kube-reserved]", "kubeReservedCgroup: must be specified"],
    ["crashLoopBackOff: { maxContainerRestartPeriod: 10m }", "crashLoopBackOff.maxContainerRestartPeriod: must be set"],
    ["runOnce: true", "runOnce: Runonce mode has been deprecated"],
    ["syncFrequency: soon", 'syncFrequency: "soon" is not a duration'],
  ])("%s is refused by its path", (body, message) => {
    expect(() => read(body)).toThrow(message);
  });
});

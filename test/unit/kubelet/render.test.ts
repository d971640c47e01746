/** What a container and its sandbox get: variables, names, resolvers, resources, identities. */
import { describe, expect, it } from "vitest";
import type { Service } from "../../../src/model/kubernetes.ts";
import { durationText, nextBackoff, waitsUntil, type Backoff } from "../../../src/kubelet/pods/backoff.ts";
import { dnsOf, parseResolvConf } from "../../../src/kubelet/pods/render/dns.ts";
import { environment, type Sources } from "../../../src/kubelet/pods/render/env.ts";
import { expand } from "../../../src/kubelet/pods/render/expansion.ts";
import { hostsFile } from "../../../src/kubelet/pods/render/hosts.ts";
import { containerResources } from "../../../src/kubelet/pods/render/resources.ts";
import { podCgroup } from "../../../src/kubelet/pods/render/sandbox.ts";
import { containerSecurity, rootRefusal } from "../../../src/kubelet/pods/render/security.ts";
import { credentialsFor } from "../../../src/kubelet/images/credentials.ts";
import { withTag } from "../../../src/kubelet/images/ensure.ts";
import { nowMs, podOf } from "../../fixtures/kubelet_objects.ts";

describe("expansion", () => {
  it.each([
    ["$(A)", "1"],
    ["$$(A)", "$(A)"],
    ["x$(A)y$(B)", "x1y$(B)"],
    ["$A ${A} $(A", "$A ${A} $(A"],
    ["$$$(A)", "$1"],
  ])("%s → %s", (text, expanded) => {
    expect(expand(text, (name) => (name === "A" ? "1" : undefined))).toBe(expanded);
  });
});

describe("an environment", () => {
  const sources: Sources = {
    configMap: (name) => (name === "cm" ? { color: "blue" } : undefined),
    secret: (name) => (name === "sec" ? { word: "sesame" } : undefined),
  };
  const service = (name: string, namespace: string) =>
    ({
      metadata: { name, namespace },
      spec: { clusterIP: "10.96.0.7", ports: [{ name: "web", port: 80 }] },
    }) as unknown as Service;
  const node = {
    nodeName: "n1",
    nodeIps: ["192.0.2.1"],
    podIps: ["10.1.0.5"],
    allocatable: { cpu: "2", memory: "1Gi" },
  };
  const of = (container: object, shape = {}, services: readonly Service[] = []) =>
    Object.fromEntries(
      environment({ pod: podOf(shape), container: { name: "main", ...container }, sources, services, node }),
    );

  it("has values in their order, expanded by those before them", () => {
    const env = [
      { name: "A", value: "1" },
      { name: "B", value: "$(A)$(C)" },
      { name: "C", value: "3" },
    ];
    expect(of({ env })).toEqual({ A: "1", B: "1$(C)", C: "3" });
  });

  it("has what configMaps, secrets, fields and resources hold", () => {
    const env = [
      { name: "COLOR", valueFrom: { configMapKeyRef: { name: "cm", key: "color" } } },
      { name: "NAME", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } },
      { name: "IP", valueFrom: { fieldRef: { fieldPath: "status.podIP" } } },
      { name: "APP", valueFrom: { fieldRef: { fieldPath: "metadata.labels['app']" } } },
      { name: "CPU", valueFrom: { resourceFieldRef: { resource: "limits.cpu" } } },
      { name: "MEM", valueFrom: { resourceFieldRef: { resource: "limits.memory", divisor: "1Mi" } } },
    ];
    const envFrom = [{ prefix: "S_", secretRef: { name: "sec" } }];
    expect(of({ env, envFrom }, { metadata: { labels: { app: "web" } } })).toEqual({
      ...{ S_word: "sesame", COLOR: "blue", NAME: "web", IP: "10.1.0.5", APP: "web", CPU: "2", MEM: "1024" },
    });
  });

  it("refuses what must be there and is not, in upstream's words", () => {
    const key = (ref: object) => ({ env: [{ name: "A", valueFrom: { configMapKeyRef: ref } }] });
    expect(() => of(key({ name: "cm", key: "size" }))).toThrow("couldn't find key size in ConfigMap default/cm");
    expect(() => of(key({ name: "no", key: "size" }))).toThrow('configmap "no" not found');
    expect(of(key({ name: "no", key: "size", optional: true }))).toEqual({});
    expect(() => of({ envFrom: [{ secretRef: { name: "no" } }] })).toThrow('secret "no" not found');
  });

  it("has the Services of its namespace and the API's, or the API's alone", () => {
    const services = [service("my-web", "default"), service("other", "elsewhere"), service("kubernetes", "default")];
    const linked = of({}, {}, services);
    expect(linked).toMatchObject({
      MY_WEB_SERVICE_HOST: "10.96.0.7",
      MY_WEB_SERVICE_PORT: "80",
      MY_WEB_SERVICE_PORT_WEB: "80",
      MY_WEB_PORT: "tcp://10.96.0.7:80",
      MY_WEB_PORT_80_TCP: "tcp://10.96.0.7:80",
      MY_WEB_PORT_80_TCP_PROTO: "tcp",
      MY_WEB_PORT_80_TCP_PORT: "80",
      MY_WEB_PORT_80_TCP_ADDR: "10.96.0.7",
      KUBERNETES_SERVICE_HOST: "10.96.0.7",
    });
    expect(linked).not.toHaveProperty("OTHER_SERVICE_HOST");
    const alone = of({}, { spec: { enableServiceLinks: false } }, services);
    expect(Object.keys(alone).every((name) => name.startsWith("KUBERNETES_"))).toBe(true);
  });
});

describe("resolvers and hosts", () => {
  const host = parseResolvConf("nameserver 192.0.2.53\nsearch example.com.\noptions timeout:1\n");
  const settings = { clusterDns: ["10.96.0.10"], clusterDomain: "cluster.local", host };

  it("are the cluster's, the node's, or the pod's own", () => {
    expect(dnsOf(podOf(), settings)).toEqual({
      servers: ["10.96.0.10"],
      searches: ["default.svc.cluster.local", "svc.cluster.local", "cluster.local", "example.com"],
      options: ["ndots:5"],
    });
    expect(dnsOf(podOf({ spec: { dnsPolicy: "Default" } }), settings)).toEqual(host);
    expect(dnsOf(podOf({ spec: { hostNetwork: true } }), settings)).toEqual(host);
    const dnsConfig = { nameservers: ["9.9.9.9"], options: [{ name: "ndots", value: "2" }] };
    expect(dnsOf(podOf({ spec: { dnsPolicy: "None", dnsConfig } }), settings)).toEqual({
      servers: ["9.9.9.9"],
      searches: [],
      options: ["ndots:2"],
    });
    expect(dnsOf(podOf({ spec: { dnsConfig } }), settings).options).toEqual(["ndots:2"]);
  });

  it("have the pod's name and its aliases", () => {
    const spec = { subdomain: "sub", hostAliases: [{ ip: "1.2.3.4", hostnames: ["a", "b"] }] };
    const file = hostsFile(podOf({ spec }), ["10.1.0.5"], "cluster.local");
    expect(file).toContain("10.1.0.5\tweb.sub.default.svc.cluster.local\tweb\n");
    expect(file).toContain("\n# Entries added by HostAliases.\n1.2.3.4\ta\tb\n");
  });
});

describe("resources and control groups", () => {
  const settings = {
    memoryCapacityBytes: 4 * 2 ** 30,
    cpuCfsQuota: true,
    cpuCfsPeriodUs: 100_000,
    hugepageSizes: [],
    cgroupVersion: 1,
    killsOneProcess: true,
  } as const;
  const of = (qosClass: string, resources: object) =>
    containerResources(podOf({ status: { qosClass } }), { name: "main", resources }, settings);

  it("are shares, quota, limit and a score", () => {
    expect(of("BestEffort", {})).toEqual({ cpuShares: 2, memoryLimitInBytes: 0, oomScoreAdj: 1000 });
    const limits = { cpu: "500m", memory: "1Gi" };
    expect(of("Guaranteed", { requests: limits, limits })).toEqual({
      ...{ cpuShares: 512, cpuPeriod: 100_000, cpuQuota: 50_000, memoryLimitInBytes: 2 ** 30, oomScoreAdj: -997 },
    });
    expect(of("Burstable", { requests: { memory: "1Gi" } }).oomScoreAdj).toBe(750);
    expect(of("Burstable", { requests: { memory: "8Gi" } }).oomScoreAdj).toBe(3);
  });

  it("are where upstream has them, for either driver", () => {
    const pod = (qosClass: string) => podOf({ status: { qosClass } });
    const cgroupfs = { cgroupRoot: "", cgroupDriver: "cgroupfs", cgroupsPerQos: true } as const;
    expect(podCgroup(pod("Guaranteed"), cgroupfs)).toBe("/kubepods/poduid-1");
    expect(podCgroup(pod("Burstable"), { ...cgroupfs, cgroupRoot: "/x" })).toBe("/x/kubepods/burstable/poduid-1");
    expect(podCgroup(pod("BestEffort"), { ...cgroupfs, cgroupDriver: "systemd" })).toBe(
      "/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-poduid_1.slice",
    );
  });
});

describe("a security context", () => {
  const settings = { seccompDefault: false, seccompFolder: "/var/lib/kubelet/seccomp" };
  it("of the container goes before the pod's", () => {
    const pod = podOf({
      spec: { securityContext: { runAsUser: 1, runAsGroup: 2, fsGroup: 3, supplementalGroups: [4] } },
    });
    const own = { runAsUser: 5, readOnlyRootFilesystem: true, allowPrivilegeEscalation: false };
    expect(containerSecurity(pod, { name: "main", securityContext: own }, settings, undefined)).toMatchObject({
      runAsUser: { value: 5 },
      runAsGroup: { value: 2 },
      supplementalGroups: [4, 3],
      readonlyRootfs: true,
      noNewPrivs: true,
      seccomp: { profileType: "Unconfined" },
      namespaceOptions: { network: "POD", pid: "CONTAINER", ipc: "POD" },
    });
  });

  it("that wants no root refuses an image that runs as root, or does not say", () => {
    const pod = podOf({ spec: { securityContext: { runAsNonRoot: true } } });
    const of = (uid: number | undefined, username = "") => rootRefusal(pod, { name: "main" }, { uid, username });
    expect(of(1000)).toBeUndefined();
    expect(of(0)).toMatch(/^container has runAsNonRoot and image will run as root/);
    expect(of(undefined)).toMatch(/image will run as root/);
    expect(of(undefined, "web")).toMatch(/image has non-numeric user \(web\), cannot verify/);
  });
});

describe("a back-off", () => {
  const bounds = { firstMs: 10_000, maxMs: 300_000 };
  it("doubles from 10 s to 5 min, and is forgotten after 10 min without a crash", () => {
    let backoff: Backoff | undefined;
    const delays: string[] = [];
    for (let i = 0; i < 7; i++) {
      backoff = nextBackoff(backoff, nowMs, nowMs, bounds);
      delays.push(durationText(backoff.delayMs));
    }
    expect(delays).toEqual(["10s", "20s", "40s", "1m20s", "2m40s", "5m0s", "5m0s"]);
    const late = nowMs + 600_001;
    expect(nextBackoff(backoff, late, late, bounds).delayMs).toBe(10_000);
    expect(waitsUntil(backoff, late, late, bounds)).toBeUndefined();
  });

  it("does not hold the first restart, and holds the next from the end on", () => {
    expect(waitsUntil(undefined, nowMs, nowMs, bounds)).toBeUndefined();
    const backoff = nextBackoff(undefined, nowMs, nowMs, bounds);
    expect(waitsUntil(backoff, nowMs + 500, nowMs + 1000, bounds)).toBe(nowMs + 10_500);
    expect(waitsUntil(backoff, nowMs + 500, nowMs + 10_500, bounds)).toBeUndefined();
  });
});

describe("images", () => {
  it.each([
    ["busybox", "busybox:latest"],
    ["localhost:5000/a/b", "localhost:5000/a/b:latest"],
    ["a/b:1", "a/b:1"],
    [`a@sha256:${"0".repeat(64)}`, `a@sha256:${"0".repeat(64)}`],
    ["Not An Image", undefined],
    ["a:b:c", undefined],
  ])("%s is %s", (image, name) => {
    expect(withTag(image)).toBe(name);
  });

  it("are fetched with what the secrets say of their registry, the narrowest first", () => {
    const auth = Buffer.from("me:pass:word").toString("base64");
    const auths = { "https://example.com": { auth }, "example.com/team": { username: "t", password: "p" } };
    const secret = new Map([[".dockerconfigjson", Buffer.from(JSON.stringify({ auths }))]]);
    expect(credentialsFor("example.com/team/app:1", [secret]).map(({ username }) => username)).toEqual(["t", "me"]);
    expect(credentialsFor("example.com/other:1", [secret])).toMatchObject([{ username: "me", password: "pass:word" }]);
    expect(credentialsFor("app:1", [secret])).toEqual([]);
  });
});

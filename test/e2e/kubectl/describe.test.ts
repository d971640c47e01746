/** kubectl describe of an object of every kind: what its describer reads is there, Events too. */
import { generateKeyPairSync } from "node:crypto";
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { builtIn } from "../../../src/controlplane/apiserver/resources/table.ts";
import type { Resource } from "../../../src/controlplane/apiserver/resources/resource.ts";
import { onEachStore } from "../../fixtures/clusters.ts";
import { cronTabs } from "../../fixtures/definitions.ts";
import { headOf } from "../../fixtures/fuzz/objects.ts";
import { validObject } from "../../fixtures/fuzz/valid.ts";

/** What must be said of the valid object of each kind, besides its name. */
const says: Readonly<Record<string, readonly RegExp[]>> = {
  ConfigMap: [/Data\n====\na:\n----\n1\n/, /BinaryData\n====\nb: 1 bytes/],
  Secret: [/Type: +Opaque/, /a: +1 bytes/],
  Pod: [
    /Status: +Pending/,
    /Image: +app:1/,
    /Limits:\n +memory: +64Mi/,
    /Readiness: +http-get http:\/\/:http\//,
    /config:\n +Type: +ConfigMap/,
    /Tolerations: +a:NoSchedule op=Exists/,
  ],
  Service: [/Type: +ClusterIP/, /IP: +10\.96\./, /TargetPort: +http\/TCP/, /Session Affinity: +None/],
  Endpoints: [/Addresses: +10\.0\.0\.1/, /<unset> +80 +TCP/],
  EndpointSlice: [/AddressType: +IPv4/, /Addresses: +10\.0\.0\.1/],
  Node: [/Taints: +a:NoSchedule/, /PodCIDR: +10\.1\.0\.0\/24/, /Non-terminated Pods:/, /Allocated resources:/],
  Namespace: [/Status: +Active/, /No resource quota/],
  ServiceAccount: [/Mountable secrets: +a/],
  PersistentVolume: [/Reclaim Policy: +Retain/, /Capacity: +1Gi/, /Path: +\/data/],
  PersistentVolumeClaim: [/Status: +Pending/, /VolumeMode: +Filesystem/, /Used By: +<none>/],
  ReplicationController: [/Replicas: +0 current \/ 1 desired/, /Image: +app:1/],
  LimitRange: [/Container +cpu +- +64/],
  ResourceQuota: [/count\/secrets +\d+ +100k/],
  PodTemplate: [/Kind: +PodTemplate/, /Image: +app:1/],
  Event: [/Reason: +Started/],
  Deployment: [/Replicas: +1 desired \| 0 updated/, /StrategyType: +RollingUpdate/, /25% max unavailable/],
  ReplicaSet: [/Replicas: +0 current \/ 1 desired/],
  StatefulSet: [/Update Strategy: +RollingUpdate/, /Volume Claims:\n +Name: +d/],
  DaemonSet: [/Desired Number of Nodes Scheduled: 0/],
  ControllerRevision: [/Revision: +1/],
  Job: [/Completions: +1/, /Completion Mode: +NonIndexed/, /Suspend: +false/, /Backoff Limit: +3/],
  CronJob: [/Schedule: +\*\/5 \* \* \* \*/, /Concurrency Policy: +Allow/, /Successful Job History Limit: +3/],
  HorizontalPodAutoscaler: [/Reference: +Deployment\/n0/, /Min replicas: +1/, /cpu on pods/],
  PodDisruptionBudget: [/Min available: +1/, /Allowed disruptions: +0/],
  Ingress: [/a\.example +\n +\/ +n0:80/],
  IngressClass: [/Controller: +example\.com\/ingress/],
  NetworkPolicy: [/CIDR: 10\.0\.0\.0\/8/, /Policy Types: Ingress/],
  Role: [/pods +\[\] +\[\] +\[get\]/],
  ClusterRole: [/pods +\[\] +\[\] +\[get\]/],
  RoleBinding: [/Role:\n +Kind: +ClusterRole\n +Name: +view/, /User +jane/],
  ClusterRoleBinding: [/Kind: +ClusterRole\n +Name: +view/, /User +jane/],
  Lease: [/Holder Identity: +a/],
  PriorityClass: [/Value: +10\n/, /GlobalDefault: +false/],
  RuntimeClass: [/Handler: +runc/],
  StorageClass: [/Provisioner: +example\.com\/disk/, /ReclaimPolicy: +Delete/],
  CSIDriver: [/Attach Required: +false/],
  CSINode: [/Allocatables:\n +Count: +4/],
  CSIStorageCapacity: [/Storage Class Name: +n0/],
  VolumeAttachment: [/Attacher: +example\.com/],
};

/** What a describer reads and only a controller writes. */
const statuses: Readonly<Record<string, object>> = {
  ResourceQuota: { hard: { "count/secrets": "100k" }, used: { "count/secrets": "1" } },
};

/** kubectl's describer of ServiceCIDRs asks for networking.k8s.io/v1beta1 alone before 1.33; upstream serves that by no default. */
const described = builtIn.filter((resource) => validObject(resource) && resource.kind !== "ServiceCIDR");

onEachStore((cluster) => {
  describe("kubectl describe", () => {
    it.concurrent.each(described.map((resource) => [`${resource.plural}.${resource.group}`, resource] as const))(
      "%s",
      async (_, resource) => {
        const one = await cluster.namespace();
        const name = `n0-${resource.group === "" ? "core" : resource.group.split(".")[0]}`;
        await make(resource, name, one.name);
        const said = await one.run(
          "describe",
          `${resource.plural}${resource.group === "" ? "" : `.${resource.group}`}`,
          name,
        );
        expect(said).toMatch(new RegExp(`^Name: +${name}\n`));
        const expected = says[resource.kind];
        expect(expected, `what describe says of a ${resource.kind}`).toBeDefined();
        for (const what of expected!) expect(said).toMatch(what);
      },
    );

    async function make(resource: Resource, name: string, namespace: string): Promise<void> {
      const [version] = resource.versions;
      const root = resource.group === "" ? `/api/${version.version}` : `/apis/${resource.group}/${version.version}`;
      const where = `${root}${resource.namespaced ? `/namespaces/${namespace}` : ""}/${resource.plural}`;
      const body = JSON.stringify({ ...headOf(resource, version, name), ...validObject(resource) });
      // Events are about an object of their own namespace.
      const { code, body: answer } = await cluster.admin.request(
        "POST",
        where,
        body.replaceAll('"fuzz"', `"${namespace}"`),
      );
      expect(code, JSON.stringify(answer)).toBe(201);
      const status = statuses[resource.kind];
      if (!status) return;
      const merge = { "content-type": "application/merge-patch+json" };
      const patched = await cluster.admin.request("PATCH", `${where}/${name}/status`, { status }, merge);
      expect(patched.code, JSON.stringify(patched.body)).toBe(200);
    }

    it.concurrent("shows the Events of an object, its like and what it owns", async () => {
      const one = await cluster.namespace();
      await one.run("run", "web", "--image=app:1");
      const { uid } = (await one.object("pod", "web")).metadata;
      const at = new Date(Date.now() - 120_000).toISOString();
      await one.create({
        apiVersion: "v1",
        kind: "Event",
        metadata: { name: "web.1" },
        involvedObject: { apiVersion: "v1", kind: "Pod", namespace: one.name, name: "web", uid },
        reason: "BackOff",
        message: "Back-off restarting failed container",
        type: "Warning",
        count: 3,
        firstTimestamp: at,
        lastTimestamp: at,
        source: { component: "kubelet", host: "node-1" },
      });
      const said = await one.run("describe", "pod", "web");
      expect(said).toMatch(
        /Events:\n +Type +Reason +Age +From +Message\n +-+.*\n +Warning +BackOff +2m\d*s? \(x3 over 2m\d*s?\) +kubelet +Back-off restarting failed container/,
      );
      expect(await one.run("describe", "pods", "--show-events=false")).not.toContain("BackOff");
      expect(await one.run("describe", "pods", "-l", "run=web")).toContain("Name:             web");
      expect(await one.run("describe", "po", "we")).toContain("BackOff");
      expect(await one.refused("describe", "pod", "nothing")).toContain('pods "nothing" not found');
      expect(await one.old("describe", "pod", "web")).toContain("BackOff");
    });

    it.concurrent("of a request for a certificate, a definition and a custom resource", async () => {
      const one = await cluster.namespace();
      const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
      const key = one.file("key.pem", privateKey.export({ type: "pkcs8", format: "pem" }));
      const { stdout } = await promisify(execFile)("openssl", ["req", "-new", "-key", key, "-subj", "/CN=someone"]);
      const spec = {
        request: Buffer.from(stdout).toString("base64"),
        signerName: "example.com/any",
        usages: ["client auth"],
      };
      await one.create({
        apiVersion: "certificates.k8s.io/v1",
        kind: "CertificateSigningRequest",
        metadata: { name: one.name },
        spec,
      });
      const request = await one.run("describe", "csr", one.name);
      expect(request).toMatch(/Requesting User: +kubernetes-admin[^]*Status: +Pending[^]*Common Name: +someone/);
      await one.create(cronTabs);
      await one.run("wait", "--for=condition=Established", `crd/${cronTabs.metadata.name}`);
      expect(await one.run("describe", "crd", cronTabs.metadata.name)).toMatch(/Accepted Names:[^]*Plural: +crontabs/);
      const tab = {
        apiVersion: "stable.example.com/v1",
        kind: "CronTab",
        metadata: { name: "t" },
        spec: { cronSpec: "* * * * *" },
      };
      await one.create(tab);
      expect(await one.run("describe", "crontab", "t")).toMatch(
        /Kind: +CronTab[^]*Cron Spec: +\* \* \* \* \*\n +Replicas: +1/,
      );
    });
  });
});

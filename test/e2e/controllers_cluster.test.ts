/** What a cluster keeps in order by itself, through kubectl: cascades, namespaces, drains, certificates, quotas. */
import { execFile } from "node:child_process";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { csrSigningController } from "../../src/controlplane/controllers/csr_signing/csr_signing.ts";
import { disruptionController } from "../../src/controlplane/controllers/disruption/disruption.ts";
import { garbageCollectorController } from "../../src/controlplane/controllers/garbage_collector/garbage_collector.ts";
import { namespaceController } from "../../src/controlplane/controllers/namespace/namespace.ts";
import { replicaSetController } from "../../src/controlplane/controllers/replica_set/replica_set.ts";
import { resourceQuotaController } from "../../src/controlplane/controllers/resource_quota/resource_quota.ts";
import { rootCaPublisherController } from "../../src/controlplane/controllers/root_ca_publisher/root_ca_publisher.ts";
import { serviceAccountController } from "../../src/controlplane/controllers/service_account/service_account.ts";
import { startTestControlPlane, type TestControlPlane } from "../fixtures/control_plane.ts";
import { eventually } from "../fixtures/eventually.ts";
import { startPodRunner, type PodRunner } from "../fixtures/pod_runner.ts";

let plane: TestControlPlane;
let runner: PodRunner;
beforeAll(async () => {
  plane = await startTestControlPlane({
    rows: [
      csrSigningController,
      disruptionController,
      garbageCollectorController,
      namespaceController,
      replicaSetController,
      resourceQuotaController,
      rootCaPublisherController,
      serviceAccountController,
    ],
  });
  const { client } = plane;
  await eventually("the default account", () =>
    client.read("/api/v1/namespaces/default/serviceaccounts/default").then(
      () => true,
      () => false,
    ),
  );
  for (const name of ["a", "b"]) {
    await plane.run(["create", "-f", "-"], { apiVersion: "v1", kind: "Node", metadata: { name } });
  }
  runner = await startPodRunner(client, { nodes: ["a"] });
}, 30_000);
afterAll(async () => {
  await runner.stop();
  await plane.stop();
});

const waitMs = 20_000;
function replicaSet(name: string, replicas: number): object {
  const labels = { app: name };
  return {
    apiVersion: "apps/v1",
    kind: "ReplicaSet",
    metadata: { name },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: "c", image: "i" }] } },
    },
  };
}
const podsOf = async (app: string): Promise<string[]> => {
  const out = await plane.run(["get", "pods", "-l", `app=${app}`, "-o", "name"]);
  return out.split("\n").filter((line) => line !== "");
};
async function running(app: string, replicas: number): Promise<void> {
  await plane.run(["create", "-f", "-"], replicaSet(app, replicas));
  await plane.run(["wait", `rs/${app}`, `--for=jsonpath={.status.readyReplicas}=${replicas}`, "--timeout=20s"]);
}

describe("kubectl delete", () => {
  it("--cascade=background deletes the pods behind their owner", async () => {
    await running("back", 2);
    await plane.run(["delete", "rs", "back", "--cascade=background"]);
    await eventually("the pods' end", async () => (await podsOf("back")).length === 0, waitMs);
  }, 60_000);

  it("--cascade=foreground deletes the owner behind its pods", async () => {
    await running("front", 2);
    await plane.run(["delete", "rs", "front", "--cascade=foreground", "--timeout=20s"]);
    expect(await podsOf("front")).toEqual([]);
  }, 60_000);

  it("--cascade=orphan leaves the pods, and another owner takes them", async () => {
    await running("free", 2);
    const before = await podsOf("free");
    await plane.run(["delete", "rs", "free", "--cascade=orphan", "--timeout=20s"]);
    expect(await podsOf("free")).toEqual(before);
    const owners = await plane.run([
      "get",
      "pods",
      "-l",
      "app=free",
      "-o",
      "jsonpath={.items[*].metadata.ownerReferences}",
    ]);
    expect(owners).toBe("");
    await running("free", 2);
    expect(await podsOf("free")).toEqual(before);
    await plane.run(["delete", "rs", "free"]);
  }, 60_000);

  it("of a namespace waits for everything in it", async () => {
    await plane.run(["create", "namespace", "short"]);
    await plane.run(["create", "configmap", "x", "-n", "short"]);
    await eventually("the certificate", async () => {
      const { code } = await plane.kubectl(["get", "configmap", "kube-root-ca.crt", "-n", "short"]);
      return code === 0;
    });
    await plane.run(["delete", "namespace", "short", "--timeout=20s"]);
    const { stderr } = await plane.kubectl(["get", "namespace", "short"]);
    expect(stderr).toContain('namespaces "short" not found');
  }, 60_000);
});

describe("kubectl drain", () => {
  it("waits for the budget's word", async () => {
    await running("guarded", 2);
    const guard = ["create", "pdb", "guard", "--selector=app=guarded", "--min-available=2"];
    await plane.run(guard);
    await plane.run(["wait", "pdb/guard", "--for=jsonpath={.status.currentHealthy}=2", "--timeout=20s"]);
    const refused = await plane.kubectl(["drain", "a", "--force", "--timeout=1s"]);
    expect(refused.code).not.toBe(0);
    expect(refused.stderr).toContain("Cannot evict pod as it would violate the pod's disruption budget.");
    expect(await podsOf("guarded")).toHaveLength(2);
    const patch = ["patch", "pdb", "guard", "--type=merge", "-p", '{"spec":{"minAvailable":0}}'];
    await plane.run(patch);
    const drained = await plane.run(["drain", "a", "--force", "--timeout=20s"]);
    expect(drained).toContain("node/a drained");
    await plane.run(["uncordon", "a"]);
    await plane.run(["delete", "rs", "guarded"]);
  }, 60_000);
});

describe("kubectl certificate approve", () => {
  it("makes a certificate that the API server takes", async () => {
    const [key, request] = ["jane.key", "jane.csr"].map((name) => path.join(plane.folder, name)) as [string, string];
    const subject = [
      "req",
      "-new",
      "-newkey",
      "rsa:2048",
      "-nodes",
      "-keyout",
      key,
      "-out",
      request,
      "-subj",
      "/CN=jane/O=team",
    ];
    await promisify(execFile)("openssl", subject);
    const { stdout: pem } = await promisify(execFile)("cat", [request]);
    await plane.run(["create", "-f", "-"], {
      apiVersion: "certificates.k8s.io/v1",
      kind: "CertificateSigningRequest",
      metadata: { name: "jane" },
      spec: {
        request: Buffer.from(pem).toString("base64"),
        signerName: "kubernetes.io/kube-apiserver-client",
        usages: ["client auth"],
      },
    });
    await plane.run(["certificate", "approve", "jane"]);
    await plane.run(["wait", "csr/jane", "--for=jsonpath={.status.certificate}", "--timeout=20s"]);
    const certificate = await plane.run(["get", "csr", "jane", "-o", "jsonpath={.status.certificate}"]);
    const file = path.join(plane.folder, "jane.crt");
    await promisify(execFile)("sh", ["-c", `printf %s "${certificate}" | base64 -d > ${file}`]);
    const authority = Buffer.from(plane.api.pki.authorityCertificate).toString("base64");
    const kubeconfig = JSON.stringify({
      apiVersion: "v1",
      kind: "Config",
      clusters: [{ name: "c", cluster: { server: plane.url, "certificate-authority-data": authority } }],
      users: [{ name: "jane", user: { "client-certificate": file, "client-key": key } }],
      contexts: [{ name: "c", context: { cluster: "c", user: "jane" } }],
      "current-context": "c",
    });
    const output = "jsonpath={.status.userInfo.username} {.status.userInfo.groups}";
    const who = await plane.kubectlWith(kubeconfig, ["auth", "whoami", "-o", output]);
    expect(who).toMatchObject({ stdout: 'jane ["team","system:authenticated"]', stderr: "" });
  }, 60_000);
});

describe("kubectl describe quota", () => {
  it("shows what is used", async () => {
    await plane.run(["create", "quota", "maps", "--hard=configmaps=5,count/replicasets.apps=3"]);
    const shown = await eventually(
      "the count",
      async () => {
        const out = await plane.run(["describe", "quota", "maps"]);
        return /configmaps\s+1\s+5/.test(out) && out;
      },
      waitMs,
    );
    expect(shown).toMatch(/count\/replicasets.apps\s+\d\s+3/);
  }, 60_000);
});

/** A node that knows a bootstrap token alone: it gets its certificates from the cluster, and new ones in time. */
import { X509Certificate } from "node:crypto";
import { existsSync, lstatSync, readFileSync, readlinkSync, readdirSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { Pki } from "../../src/controlplane/apiserver/certificates/pki.ts";
import { issue } from "../../src/controlplane/apiserver/certificates/x509.ts";
import { CertificateStore } from "../../src/kubelet/certificates/store.ts";
import { eventually } from "../fixtures/eventually.ts";
import { nodeIp, startKubeletNode, type KubeletNode } from "../fixtures/kubelet_node.ts";
import { writeTokenKubeconfig } from "../fixtures/kubelet_kubeconfig.ts";

const name = "node-boot";
let node: KubeletNode;
let folder: string;
let flags: readonly string[];
const token = { id: "abcdef", secret: "0123456789abcdef" };

beforeAll(async () => {
  node = await startKubeletNode({ rotateCertificates: true, serverTLSBootstrap: true });
  folder = node.containerd.folder;
  flags = [
    ...["--config", `${folder}/kubelet.yaml`, "--root-dir", node.folders.root, "--cert-dir", `${folder}/certs`],
    ...["--kubeconfig", `${folder}/boot/kubelet.conf`, "--bootstrap-kubeconfig", `${folder}/bootstrap.conf`],
    ...["--hostname-override", name, "--node-ip", nodeIp],
  ];
  await node.killKubelet();
  await allowBootstrap();
  const pki = await Pki.open({ folder: `${folder}/server/pki`, now: Date.now });
  const server = "https://127.0.0.1:6443";
  writeTokenKubeconfig(`${folder}/bootstrap.conf`, { server, authority: pki.authorityCertificate, token });
});
afterAll(() => node.stop());

const current = (kind: string): string => `${folder}/certs/kubelet-${kind}-current.pem`;
const held = (kind: string): X509Certificate => new X509Certificate(readFileSync(current(kind)));
const requests = async (signer: string): Promise<any[]> => {
  const { items } = await node.get<any>("certificatesigningrequests");
  return items.filter(({ spec }: any) => spec.signerName === `kubernetes.io/${signer}`);
};

/** What kubeadm's bootstrap-token phase sets up. */
async function allowBootstrap(): Promise<void> {
  const bindings: readonly (readonly [string, string, string])[] = [
    ["kubeadm:kubelet-bootstrap", "system:node-bootstrapper", "system:bootstrappers"],
    ["approve", "system:certificates.k8s.io:certificatesigningrequests:nodeclient", "system:bootstrappers"],
    ["renew", "system:certificates.k8s.io:certificatesigningrequests:selfnodeclient", "system:nodes"],
  ];
  for (const [binding, role, group] of bindings) {
    await node.run(["create", "clusterrolebinding", binding, `--clusterrole=${role}`, `--group=${group}`]);
  }
  const stringData = {
    "token-id": token.id,
    "token-secret": token.secret,
    "usage-bootstrap-authentication": "true",
  };
  await node.run(["create", "-f", "-"], {
    apiVersion: "v1",
    kind: "Secret",
    type: "bootstrap.kubernetes.io/token",
    metadata: { name: `bootstrap-token-${token.id}`, namespace: "kube-system" },
    stringData,
  });
}

describe("a node with a bootstrap token", () => {
  it("asks for a certificate, keeps it as upstream does, and is registered with it", async () => {
    await node.startKubelet({ flags });
    const [request] = await requests("kube-apiserver-client-kubelet");
    expect(request.metadata.name).toMatch(/^csr-/);
    expect(request.spec.username).toBe(`system:bootstrap:${token.id}`);
    expect(request.spec.usages).toEqual(["digital signature", "client auth"]);
    expect(request.status.conditions[0]).toMatchObject({ type: "Approved", reason: "AutoApproved" });
    expect(held("client").subject).toBe(`O=system:nodes\nCN=system:node:${name}`);
    expect(lstatSync(current("client")).isSymbolicLink()).toBe(true);
    expect(readlinkSync(current("client"))).toMatch(/\/certs\/kubelet-client-\d{4}(-\d\d){5}\.pem$/);
    expect(lstatSync(readlinkSync(current("client"))).mode & 0o777).toBe(0o600);
    const kubeconfig = parse(readFileSync(`${folder}/boot/kubelet.conf`, "utf8"));
    expect(kubeconfig.users).toEqual([
      { name: "default-auth", user: { "client-certificate": current("client"), "client-key": current("client") } },
    ]);
    expect(kubeconfig.clusters[0].cluster.server).toBe("https://127.0.0.1:6443");
    expect((await node.get<any>("node", name)).metadata.name).toBe(name);
  });

  it("asks for a server's certificate with its addresses, and waits until a person approves", async () => {
    const [request] = await eventually("the request", async () => {
      const found = await requests("kubelet-serving");
      return found.length > 0 && found;
    });
    expect(request.spec.username).toBe(`system:node:${name}`);
    expect(request.spec.usages).toEqual(["digital signature", "server auth"]);
    expect(request.status.conditions).toBeUndefined();
    expect(existsSync(current("server"))).toBe(false);
    await node.run(["certificate", "approve", request.metadata.name]);
    await eventually("the certificate", () => existsSync(current("server")));
    expect(held("server").subjectAltName).toBe(`DNS:${name}, IP Address:${nodeIp}`);
    expect(held("server").subject).toBe(`O=system:nodes\nCN=system:node:${name}`);
    const asks = "openssl s_client -connect 127.0.0.1:10250 </dev/null 2>/dev/null | openssl x509 -noout -serial";
    expect((await node.here("sh", "-c", asks)).trim()).toBe(`serial=${held("server").serialNumber}`);
  });

  it("takes what it holds at the next start, and asks for nothing", async () => {
    const before = [held("client").serialNumber, (await node.get<any>("certificatesigningrequests")).items.length];
    await node.killKubelet();
    await node.startKubelet({ flags });
    const after = [held("client").serialNumber, (await node.get<any>("certificatesigningrequests")).items.length];
    expect(after).toEqual(before);
  });

  it("renews its certificate before it ends, as itself, and goes on without a restart", async () => {
    await node.killKubelet();
    const pki = await Pki.open({ folder: `${folder}/server/pki`, now: Date.now });
    const profile = { commonName: `system:node:${name}`, organizations: ["system:nodes"], usage: "client" as const };
    // 90 % of its life are over in a few seconds.
    const validity = { fromMs: Date.now() - 600_000, toMs: Date.now() + 70_000 };
    const short = await issue(pki.authority, { ...profile, names: { dns: [], ip: [] } }, validity);
    await new CertificateStore(`${folder}/certs`, "kubelet-client").write(short.certificate, short.key, Date.now());
    const before = held("client").serialNumber;
    await node.startKubelet({ flags });
    await eventually("another certificate", () => held("client").serialNumber !== before, 30_000);
    expect(Date.parse(held("client").validTo)).toBeGreaterThan(Date.now() + 3_600_000);
    const renewal = (await requests("kube-apiserver-client-kubelet")).find(
      ({ spec }) => spec.username === `system:node:${name}`,
    );
    expect(renewal.status.conditions[0].message).toContain("self kubelet client certificate");
    expect(readdirSync(`${folder}/certs`).filter((one) => /^kubelet-client-\d/.test(one)).length).toBeGreaterThan(1);
    // It goes on with the new one: a pod that is made now is run.
    await node.run(["create", "-f", "-"], {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "after" },
      spec: {
        nodeName: name,
        terminationGracePeriodSeconds: 1,
        containers: [{ name: "c", image: node.containerd.image, imagePullPolicy: "Never", command: ["sleep", "1000"] }],
      },
    });
    await node.run(["wait", "--for=condition=Ready", "pod/after", "--timeout=30s"]);
    await node.run(["delete", "pod", "after", "--timeout=30s"]);
  });
});

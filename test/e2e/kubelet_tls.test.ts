/** The whole server over TLS, and a kubelet that asks for its certificate. */
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { startControlPlaneApi } from "../../src/controlplane/apiserver/compose.ts";
import { EmbeddedStore } from "../../src/controlplane/store/embedded/embedded_store.ts";
import { startFakeKubelet } from "../fixtures/fake_kubelet.ts";

const containers = [{ name: "c", image: "busybox" }];

describe("over TLS", () => {
  it("shows a kubelet the server's client certificate, and kubectl what the pod says", async () => {
    const dataDir = mkdtempSync(path.join(tmpdir(), "fairlead-tls-"));
    const store = await EmbeddedStore.open({ file: path.join(dataDir, "store.db") });
    const errors: unknown[] = [];
    const whole = await startControlPlaneApi({
      dataDir,
      store,
      host: "127.0.0.1",
      port: 0,
      serviceCidrs: ["10.96.0.0/16"],
      onInternalError: (error) => errors.push(error),
    });
    const serving = await whole.pki.certificate("kubelet", {
      commonName: "n1",
      organizations: [],
      usage: "server",
      names: { dns: [], ip: ["127.0.0.1"] },
    });
    const secured = await startFakeKubelet({
      tls: {
        cert: serving.certificate,
        key: serving.key,
        ca: whole.pki.authorityCertificate,
        requestCert: true,
        rejectUnauthorized: true,
      },
    });
    const admin = async (...args: string[]): Promise<string> =>
      (await promisify(execFile)("kubectl", ["--kubeconfig", whole.adminKubeconfig, ...args], { timeout: 60_000 }))
        .stdout;
    const apply = async (object: object): Promise<void> => {
      const file = path.join(dataDir, "object.json");
      writeFileSync(file, JSON.stringify(object));
      await admin("create", "-f", file);
    };
    await apply({ apiVersion: "v1", kind: "Node", metadata: { name: "n1" } });
    const nodeStatus = {
      addresses: [{ type: "InternalIP", address: "127.0.0.1" }],
      daemonEndpoints: { kubeletEndpoint: { Port: secured.port } },
    };
    await admin(
      "patch",
      "node",
      "n1",
      "--subresource=status",
      "--type=merge",
      "-p",
      JSON.stringify({ status: nodeStatus }),
    );
    await apply({ apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "default", namespace: "default" } });
    await apply({
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "web", namespace: "default" },
      spec: { containers, nodeName: "n1" },
    });
    await admin("patch", "pod", "web", "--subresource=status", "--type=merge", "-p", '{"status":{"phase":"Running"}}');
    expect(await admin("logs", "web")).toBe("log line\n");
    expect(await admin("exec", "web", "--", "ls")).toBe("hello from the pod\n");
    expect(secured.asked).toEqual([
      "GET /containerLogs/default/web/c",
      "GET /exec/default/web/c?output=1&error=1&command=ls",
    ]);
    expect(errors).toEqual([]);
    await whole.close(0);
    await secured.stop();
    await store.close();
    rmSync(dataDir, { recursive: true, force: true });
  });
});

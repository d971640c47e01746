/** Who is let in and what they may do, as the real kubectl sees it over TLS. */
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startSecureServer, type SecureServer } from "../fixtures/secure_server.ts";

let server: SecureServer;
beforeAll(async () => {
  server = await startSecureServer();
});
afterAll(async () => {
  expect(server.internalErrors).toEqual([]);
  await server.stop();
});

/** kubectl with a token and nothing else. */
async function withToken(token: string, args: readonly string[], input?: object) {
  return server.kubectlWith(tokenKubeconfig(token), args, input);
}

function tokenKubeconfig(token: string): string {
  const authority = Buffer.from(server.api.pki.authorityCertificate).toString("base64");
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "c", cluster: { server: server.url, "certificate-authority-data": authority } }],
    users: [{ name: "u", user: { token } }],
    contexts: [{ name: "x", context: { cluster: "c", user: "u" } }],
    "current-context": "x",
  });
}

describe("a fresh cluster", () => {
  it("lets the administrator in by the kubeconfig that it wrote", async () => {
    const { stdout, stderr, code } = await server.kubectl(["get", "namespaces", "-o", "name"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const names = ["default", "kube-node-lease", "kube-public", "kube-system"];
    expect(stdout.trim().split("\n")).toEqual(names.map((name) => `namespace/${name}`));
  });

  it("has the default roles, aggregated, and their bindings", async () => {
    const roles = (await server.run(["get", "clusterroles", "-o", "name"])).trim().split("\n");
    expect(roles).toEqual(
      expect.arrayContaining(
        ["admin", "cluster-admin", "edit", "view", "system:node", "system:controller:job-controller"].map(
          (name) => `clusterrole.rbac.authorization.k8s.io/${name}`,
        ),
      ),
    );
    expect(await server.run(["describe", "clusterrole", "view"])).toMatch(
      /deployments\.apps\s+\[\]\s+\[\]\s+\[get list watch\]/,
    );
    expect(
      await server.run(["get", "clusterrolebinding", "system:kube-dns", "-o", "jsonpath={.subjects[0].name}"]),
    ).toBe("kube-dns");
  });
});

describe("kubectl auth", () => {
  it("says who asks", async () => {
    const said = await server.run(["auth", "whoami"]);
    expect(said).toMatch(/Username\s+kubernetes-admin/);
    expect(said).toMatch(/Groups\s+\[system:masters system:authenticated\]/);
  });

  it("says what may be done", async () => {
    expect((await server.run(["auth", "can-i", "delete", "nodes"])).trim()).toBe("yes");
    const { stdout, code } = await server.kubectl(["auth", "can-i", "get", "pods", "--as", "jane"]);
    expect([stdout.trim(), code]).toEqual(["no", 1]);
    const list = await server.run(["auth", "can-i", "--list", "--as", "jane"]);
    expect(list).toMatch(/selfsubjectreviews\.authentication\.k8s\.io\s+\[\]\s+\[\]\s+\[create\]/);
    expect(list).toMatch(/\[\/healthz\]/);
  });

  it("refuses in upstream's words", async () => {
    const { stderr, code } = await server.kubectl(["get", "pods", "--as", "jane", "--as-group", "dev"]);
    expect(code).toBe(1);
    expect(stderr).toContain(
      'Error from server (Forbidden): pods is forbidden: User "jane" cannot list resource "pods" in API group "" in the namespace "default"',
    );
  });

  it("follows a role and its binding as they come and go", async () => {
    await server.run(["create", "role", "reader", "--verb=get,list", "--resource=pods"]);
    await server.run(["create", "rolebinding", "reader", "--role=reader", "--group=dev"]);
    const ask = ["auth", "can-i", "list", "pods", "--as", "jane", "--as-group", "dev"];
    expect((await server.kubectl(ask)).stdout.trim()).toBe("yes");
    expect((await server.kubectl([...ask, "-n", "kube-system"])).stdout.trim()).toBe("no");
    await server.run(["delete", "rolebinding", "reader"]);
    expect((await server.kubectl(ask)).stdout.trim()).toBe("no");
  });
});

describe("a service account's token", () => {
  it("is made, lets its account in, and ends with it", async () => {
    await server.run(["create", "serviceaccount", "robot"]);
    const token = (await server.run(["create", "token", "robot"])).trim();
    const who = await withToken(token, ["auth", "whoami", "-o", "json"]);
    expect(who.stderr).toBe("");
    expect(JSON.parse(who.stdout)).toMatchObject({
      status: {
        userInfo: {
          username: "system:serviceaccount:default:robot",
          groups: ["system:serviceaccounts", "system:serviceaccounts:default", "system:authenticated"],
          extra: { "authentication.kubernetes.io/credential-id": [expect.stringMatching(/^JTI=[0-9a-f-]{36}$/)] },
        },
      },
    });
    await server.run(["delete", "serviceaccount", "robot"]);
    expect((await withToken(token, ["get", "pods"])).stderr).toContain("You must be logged in to the server");
  });

  it("outlives a rotation of the key", async () => {
    await server.run(["create", "serviceaccount", "steady"]);
    const before = (await server.run(["create", "token", "steady"])).trim();
    await server.api.rotateSigningKey();
    const after = (await server.run(["create", "token", "steady"])).trim();
    for (const token of [before, after]) expect((await withToken(token, ["auth", "whoami"])).code).toBe(0);
    expect(header(before)["kid"]).not.toBe(header(after)["kid"]);
  });

  it("is refused for less than ten minutes", async () => {
    const { stderr } = await server.kubectl(["create", "token", "steady", "--duration=5m"]);
    expect(stderr).toContain(
      "spec.expirationSeconds: Invalid value: 300: may not specify a duration less than 10 minutes",
    );
  });
});

function header(token: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(token.split(".")[0]!, "base64url").toString()) as Record<string, unknown>;
}

describe("a fresh cluster's own Service", () => {
  it("is the API at the first address of the range", async () => {
    const service = JSON.parse(await server.run(["get", "service", "kubernetes", "-o", "json"]));
    expect(service.spec).toMatchObject({
      clusterIP: "10.96.0.1",
      ports: [{ name: "https", port: 443, targetPort: server.api.port }],
    });
    expect(JSON.parse(await server.run(["get", "priorityclasses", "-o", "json"])).items).toHaveLength(2);
  });
});

describe("what nobody may give or take", () => {
  it("is power that one does not have", async () => {
    await server.run(["create", "role", "role-maker", "--verb=create", "--resource=roles.rbac.authorization.k8s.io"]);
    await server.run(["create", "rolebinding", "role-maker", "--role=role-maker", "--user=mallory"]);
    const { stderr } = await server.kubectl([
      "create",
      "role",
      "root",
      "--verb=get",
      "--resource=secrets",
      "--as",
      "mallory",
    ]);
    expect(stderr).toContain(
      'roles.rbac.authorization.k8s.io "root" is forbidden: user "mallory" (groups=["system:authenticated"]) is attempting to grant RBAC permissions not currently held:\n{APIGroups:[""], Resources:["secrets"], Verbs:["get"]}',
    );
  });

  it("is a system namespace, or one that is not there", async () => {
    expect((await server.kubectl(["delete", "namespace", "kube-system"])).stderr).toContain(
      "this namespace may not be deleted",
    );
    expect((await server.kubectl(["create", "configmap", "x", "-n", "nowhere"])).stderr).toContain(
      'namespaces "nowhere" not found',
    );
  });

  it("is another's identity", async () => {
    const { stderr } = await server.kubectl([
      "create",
      "configmap",
      "x",
      "--as",
      "jane",
      "--as-group",
      "system:masters",
      "--dry-run=server",
    ]);
    expect(stderr).toBe("");
    await server.run([
      "create",
      "clusterrole",
      "actor",
      "--verb=impersonate",
      "--resource=users",
      "--resource-name=bob",
    ]);
    await server.run([
      "create",
      "clusterrolebinding",
      "actor",
      "--clusterrole=actor",
      "--serviceaccount=default:actor",
    ]);
    await server.run(["create", "serviceaccount", "actor"]);
    const token = (await server.run(["create", "token", "actor"])).trim();
    expect(
      (await withToken(token, ["auth", "whoami", "--as", "bob", "-o", "jsonpath={.status.userInfo.username}"])).stdout,
    ).toBe("bob");
    expect((await withToken(token, ["get", "pods", "--as", "bob", "--as-group", "system:masters"])).stderr).toContain(
      'cannot impersonate resource "groups" in API group "" at the cluster scope',
    );
  });
});

describe("admission", () => {
  const pod = (name: string, metadata: object = {}) => ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, ...metadata },
    spec: { containers: [{ name: "c", image: "i" }] },
  });

  it("gives pods what their namespace, account and class say", async () => {
    await server.run(["create", "namespace", "apps"]);
    await server.run(["create", "serviceaccount", "default", "-n", "apps"]);
    await server.run(["create", "-n", "apps", "-f", "-"], pod("web"));
    const made = JSON.parse(await server.run(["get", "pod", "web", "-n", "apps", "-o", "json"]));
    expect(made.spec).toMatchObject({
      serviceAccountName: "default",
      priority: 0,
      preemptionPolicy: "PreemptLowerPriority",
      volumes: [{ name: expect.stringMatching(/^kube-api-access-/) }],
      tolerations: [{ key: "node.kubernetes.io/not-ready" }, { key: "node.kubernetes.io/unreachable" }],
    });
    const bound = await server.run([
      "create",
      "token",
      "default",
      "-n",
      "apps",
      "--bound-object-kind",
      "Pod",
      "--bound-object-name",
      "web",
    ]);
    const who = JSON.parse((await withToken(bound.trim(), ["auth", "whoami", "-o", "json"])).stdout);
    expect(who.status.userInfo.extra["authentication.kubernetes.io/pod-name"]).toEqual(["web"]);
  });

  it("keeps a quota while many write, and gives room back", async () => {
    await server.run(["create", "namespace", "small"]);
    await server.run(["create", "quota", "q", "--hard=configmaps=3", "-n", "small"]);
    const results = await Promise.all(
      Array.from({ length: 6 }, (_, i) => server.kubectl(["create", "configmap", `m${i}`, "-n", "small"])),
    );
    expect(results.filter(({ code }) => code === 0)).toHaveLength(3);
    const refusal = results.find(({ code }) => code !== 0)!.stderr;
    expect(refusal).toContain("exceeded quota: q, requested: configmaps=1, used: configmaps=3, limited: configmaps=3");
    const names = (await server.run(["get", "configmaps", "-n", "small", "-o", "name"])).trim().split("\n");
    await server.run(["delete", names[0]!, "-n", "small"]);
    await server.run(["create", "configmap", "again", "-n", "small"]);
    expect(await server.run(["get", "quota", "q", "-n", "small", "-o", "jsonpath={.status.used.configmaps}"])).toBe(
      "3",
    );
  });

  it("notes who asks for a certificate", async () => {
    const { execFileSync } = await import("node:child_process");
    const key = path.join(server.folder, "csr.key");
    const pem = execFileSync(
      "openssl",
      ["req", "-new", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-subj", "/CN=jane/O=dev"],
      { stdio: ["ignore", "pipe", "ignore"] },
    );
    const csr = {
      apiVersion: "certificates.k8s.io/v1",
      kind: "CertificateSigningRequest",
      metadata: { name: "jane" },
      spec: {
        request: pem.toString("base64"),
        signerName: "kubernetes.io/kube-apiserver-client",
        usages: ["client auth"],
        username: "root",
      },
    };
    await server.run(["create", "-f", "-"], csr);
    expect(await server.run(["get", "csr", "jane", "-o", "jsonpath={.spec.username}"])).toBe("kubernetes-admin");
    const approved = await server.kubectl(["certificate", "approve", "jane"]);
    expect(approved.stderr).toBe("");
    expect(await server.run(["get", "csr", "jane", "-o", "jsonpath={.status.conditions[0].type}"])).toBe("Approved");
  });
});

/** Who is let in and what they may do, as the real kubectl sees it over TLS. */
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

/** kubectl auth, --as, and certificates. */
import { execFile } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { list, onEachStore, type Case } from "../../fixtures/clusters.ts";

const role = (verbs: string[], namespace?: string) => ({
  apiVersion: "rbac.authorization.k8s.io/v1",
  kind: "Role",
  metadata: { name: "reader", namespace },
  rules: [{ apiGroups: [""], resources: ["pods"], verbs }],
});
const binding = (subjects: string[], namespace?: string, roleName = "reader") => ({
  apiVersion: "rbac.authorization.k8s.io/v1",
  kind: "RoleBinding",
  metadata: { name: "readers", namespace },
  roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: roleName },
  subjects: subjects.map((name) => ({ apiGroup: "rbac.authorization.k8s.io", kind: "User", name })),
});

onEachStore((cluster) => {
  describe("kubectl auth", () => {
    it.concurrent("can-i, of oneself, of others, and as a list", async () => {
      const one = await cluster.namespace();
      expect(await one.run("auth", "can-i", "*", "*", "--all-namespaces")).toBe("yes");
      await one.create(role(["get", "list"]), binding(["jane"]));
      const can = async (...args: string[]): Promise<string> =>
        (await one.kubectl(["auth", "can-i", "--as=jane", ...args])).stdout.trimEnd();
      expect(await can("get", "pods")).toBe("yes");
      expect(await can("delete", "pods")).toBe("no");
      expect(await can("get", "pods", "--subresource=log")).toBe("no");
      expect(await can("get", "/version")).toBe("yes");
      expect(await can("get", "pods", "-n", "default")).toBe("no");
      expect((await one.kubectl(["auth", "can-i", "delete", "pods", "--as=jane", "-q"])).code).toBe(1);
      const listed = await can("--list");
      expect(listed).toMatch(/^Resources +Non-Resource URLs +Resource Names +Verbs\n/);
      expect(listed).toMatch(/^pods +\[\] +\[\] +\[get list\]$/m);
      expect(listed).toMatch(/^ +\[\/healthz\] +\[\] +\[get\]$/m);
    });

    it.concurrent("whoami", async () => {
      const one = await cluster.namespace();
      const said = await one.run("auth", "whoami");
      expect(said).toMatch(
        /^ATTRIBUTE +VALUE\nUsername +kubernetes-admin\nGroups +\[system:masters system:authenticated\]/,
      );
      const token = await one.run("create", "token", "default");
      const bearer = [
        "--kubeconfig=/dev/null",
        `--server=${cluster.url}`,
        "--insecure-skip-tls-verify",
        "--token",
        token,
      ];
      const { status } = JSON.parse(await one.run("auth", "whoami", "-o", "json", ...bearer));
      expect(status.userInfo).toMatchObject({
        username: `system:serviceaccount:${one.name}:default`,
        groups: ["system:serviceaccounts", `system:serviceaccounts:${one.name}`, "system:authenticated"],
      });
      expect(await one.run("auth", "whoami", "--as=joe", "--as-group=devs", "-o", "jsonpath={..username}")).toBe("joe");
    });

    it.concurrent("reconcile adds what lacks, keeps or removes the rest, and makes bindings anew", async () => {
      const one = await cluster.namespace();
      await one.create(role(["watch"]), binding(["joe"]));
      // kubectl gives what it reads here no namespace of its own.
      const wanted = one.file("rbac", list([role(["get"], one.name), binding(["jane"], one.name)]));
      const said = await one.run("auth", "reconcile", "-f", wanted);
      expect(said).toContain("role.rbac.authorization.k8s.io/reader reconciled");
      const verbs = async () => (await one.object("role", "reader")).rules.flatMap((rule: any) => rule.verbs).sort();
      const subjects = async () =>
        (await one.object("rolebinding", "readers")).subjects.map((who: any) => who.name).sort();
      expect([await verbs(), await subjects()]).toEqual([
        ["get", "watch"],
        ["jane", "joe"],
      ]);
      await one.run("auth", "reconcile", "--remove-extra-permissions", "--remove-extra-subjects", "-f", wanted);
      expect([await verbs(), await subjects()]).toEqual([["get"], ["jane"]]);
      const other = one.file("other", binding(["jane"], one.name, "writer"));
      expect(await one.run("auth", "reconcile", "-f", other)).toContain("reconciled");
      expect((await one.object("rolebinding", "readers")).roleRef.name).toBe("writer");
    });

    it.concurrent("says who may not do what", async () => {
      const one = await cluster.namespace();
      expect(await one.refused("get", "pods", "--as=jane")).toBe(
        `Error from server (Forbidden): pods is forbidden: User "jane" cannot list resource "pods" in API group "" in the namespace "${one.name}"`,
      );
      expect(await one.refused("create", "role", "r", "--verb=*", "--resource=*", "--as=jane")).toContain("Forbidden");
    });
  });

  describe("kubectl certificate", () => {
    async function requested(one: Case): Promise<string> {
      const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
      const key = one.file("key.pem", privateKey.export({ type: "pkcs8", format: "pem" }));
      const { stdout } = await promisify(execFile)("openssl", ["req", "-new", "-key", key, "-subj", "/CN=someone"]);
      const request = {
        apiVersion: "certificates.k8s.io/v1",
        kind: "CertificateSigningRequest",
        metadata: { name: one.name },
        spec: {
          request: Buffer.from(stdout).toString("base64"),
          signerName: "kubernetes.io/kube-apiserver-client",
          usages: ["client auth"],
        },
      };
      await one.create(request);
      return one.name;
    }

    it.concurrent("approves, once and for all", async () => {
      const one = await cluster.namespace();
      const name = await requested(one);
      expect(await one.run("get", "csr", name, "--no-headers")).toMatch(/ kubernetes-admin +<none> +Pending$/);
      expect(await one.run("certificate", "approve", name)).toBe(
        `certificatesigningrequest.certificates.k8s.io/${name} approved`,
      );
      const { conditions } = (await one.object("csr", name)).status;
      expect(conditions).toMatchObject([{ type: "Approved", status: "True", reason: "KubectlApprove" }]);
      expect(await one.refused("certificate", "deny", name)).toMatch(/Approved|exclusive/);
    });

    it.concurrent("denies", async () => {
      const one = await cluster.namespace();
      const name = await requested(one);
      const file = one.file("csr", await one.run("get", "csr", name, "-o", "json"));
      expect(await one.run("certificate", "deny", "-f", file)).toContain("denied");
      expect(await one.run("get", "csr", name, "--no-headers")).toMatch(/ Denied$/);
    });
  });
});

/** What people change with kubectl in objects that are there. */
import { describe, expect, it } from "vitest";
import { onEachStore, type Case } from "../../fixtures/clusters.ts";

const deployment = (env: object[] = [{ name: "A", value: "1" }], replicas = 2) => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "web" },
  spec: {
    replicas,
    selector: { matchLabels: { app: "web" } },
    template: {
      metadata: { labels: { app: "web" } },
      spec: { containers: [{ name: "main", image: "registry.test/main:1", env }] },
    },
  },
});
const pod = (name: string) => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name },
  spec: { containers: [{ name: "c", image: "app:1" }] },
});
const main = (object: any) => object.spec.template.spec.containers[0];

onEachStore((cluster) => {
  async function withDeployment(): Promise<Case> {
    const one = await cluster.namespace();
    await one.create(deployment());
    return one;
  }
  const web = (one: Case) => one.object("deployment", "web");

  describe("kubectl patch", () => {
    it.concurrent.each([
      ["json", '[{"op":"replace","path":"/spec/replicas","value":3}]', 3],
      ["merge", '{"spec":{"replicas":4}}', 4],
      ["strategic", '{"spec":{"replicas":5}}', 5],
    ])("--type=%s", async (type, body, replicas) => {
      const one = await withDeployment();
      expect(await one.run("patch", "deployment", "web", "--type", type, "-p", body)).toBe(
        "deployment.apps/web patched",
      );
      expect((await web(one)).spec.replicas).toBe(replicas);
      expect(await one.run("patch", "deployment", "web", "--type", type, "-p", body)).toBe(
        "deployment.apps/web patched (no change)",
      );
      const file = one.file("patch", body);
      expect(await one.run("patch", "deployment/web", "--type", type, "--patch-file", file, "-o", "name")).toBe(
        "deployment.apps/web",
      );
    });

    it.concurrent("--subresource=status and scale change those alone", async () => {
      const one = await withDeployment();
      const both = '{"spec":{"replicas":9},"status":{"replicas":7}}';
      await one.run("patch", "deployment", "web", "--subresource=status", "--type=merge", "-p", both);
      const { spec, status } = await web(one);
      expect([spec.replicas, status.replicas]).toEqual([2, 7]);
      await one.run(
        "patch",
        "deployment",
        "web",
        "--subresource=scale",
        "--type=merge",
        "-p",
        '{"spec":{"replicas":9}}',
      );
      expect((await web(one)).spec.replicas).toBe(9);
      expect(await one.run("get", "deployment", "web", "--subresource=scale", "-o", "jsonpath={.kind}")).toBe("Scale");
    });

    it.concurrent("changes a file's object alone with --local, and nothing on a dry run", async () => {
      const one = await withDeployment();
      const body = '{"spec":{"replicas":4}}';
      const file = one.file("web.json", deployment());
      const local = await one.run("patch", "-f", file, "--local", "-p", body, "-o", "jsonpath={.spec.replicas}");
      expect(local).toBe("4");
      const args = ["patch", "deployment", "web", "-p", body, "-o", "jsonpath={.spec.replicas}"];
      expect(await one.run(...args, "--dry-run=server")).toBe("4");
      expect((await web(one)).spec.replicas).toBe(2);
      expect(await one.refused("patch", "deployment", "web", "-p", '{"spec":{"replicas":-1}}')).toContain(
        "must be greater than or equal to 0",
      );
    });
  });

  describe("kubectl label and annotate", () => {
    it.concurrent("adds, changes when told to, removes, selects and lists", async () => {
      const one = await cluster.namespace();
      await one.create(pod("a"), pod("b"));
      expect(await one.run("label", "pod", "a", "tier=front", "x=1")).toBe("pod/a labeled");
      expect(await one.refused("label", "pod", "a", "tier=back")).toContain("'tier' already has a value (front)");
      await one.run("label", "--overwrite", "pod", "a", "tier=back");
      expect(await one.run("label", "pod", "a", "x-")).toBe("pod/a unlabeled");
      expect(await one.run("label", "pod", "a", "--list")).toBe("tier=back");
      expect(await one.run("label", "pods", "--all", "all=yes")).toBe("pod/a labeled\npod/b labeled");
      expect(await one.run("label", "pods", "-l", "tier=back", "found=yes")).toBe("pod/a labeled");
      expect((await one.object("pod", "a")).metadata.labels).toEqual({ tier: "back", all: "yes", found: "yes" });
      expect(await one.refused("label", "pod", "a", "bad=-x")).toContain("a valid label must be");
      const { resourceVersion } = (await one.object("pod", "b")).metadata;
      await one.run("label", "pod", "b", "y=1", `--resource-version=${resourceVersion}`);
      expect(await one.refused("label", "pod", "b", "z=1", `--resource-version=${resourceVersion}`)).toContain(
        "the object has been modified",
      );
    });

    it.concurrent("annotates alike", async () => {
      const one = await cluster.namespace();
      await one.create(pod("a"));
      expect(await one.run("annotate", "pod", "a", "note=two words", "x=1")).toBe("pod/a annotated");
      await one.run("annotate", "pod", "a", "x-");
      expect(await one.run("annotate", "pod", "a", "--list")).toBe("note=two words");
      expect(await one.old("annotate", "--overwrite", "pod", "a", "note=old")).toBe("pod/a annotated");
      expect((await one.object("pod", "a")).metadata.annotations).toEqual({ note: "old" });
    });
  });

  describe("kubectl set", () => {
    it.concurrent("image, env and resources", async () => {
      const one = await withDeployment();
      expect(await one.run("set", "image", "deployment/web", "main=registry.test/main:2")).toBe(
        "deployment.apps/web image updated",
      );
      await one.run("set", "env", "deployment/web", "B=2", "A-");
      await one.create({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "vars" }, data: { key: "v" } });
      await one.run("set", "env", "deployment/web", "--from=configmap/vars", "--prefix=P_");
      expect(await one.run("set", "env", "deployment/web", "--list")).toContain("B=2");
      await one.run("set", "resources", "deployment/web", "--limits=cpu=200m", "--requests=memory=1Mi");
      expect(main(await web(one))).toMatchObject({
        image: "registry.test/main:2",
        env: [
          { name: "B", value: "2" },
          { name: "P_KEY", valueFrom: { configMapKeyRef: { name: "vars", key: "key" } } },
        ],
        resources: { limits: { cpu: "200m" }, requests: { memory: "1Mi" } },
      });
    });

    it.concurrent("serviceaccount, selector and subject", async () => {
      const one = await withDeployment();
      await one.run("create", "serviceaccount", "robot");
      expect(await one.run("set", "serviceaccount", "deployment/web", "robot")).toBe(
        "deployment.apps/web serviceaccount updated",
      );
      expect((await web(one)).spec.template.spec.serviceAccountName).toBe("robot");
      await one.run("create", "service", "clusterip", "web", "--tcp=80");
      expect(await one.run("set", "selector", "service/web", "app=other")).toBe("service/web selector updated");
      expect((await one.object("service", "web")).spec.selector).toEqual({ app: "other" });
      await one.run("create", "rolebinding", "readers", "--clusterrole=view", "--user=jane");
      await one.run("set", "subject", "rolebinding", "readers", "--user=joe", `--serviceaccount=${one.name}:robot`);
      const names = (await one.object("rolebinding", "readers")).subjects.map((subject: any) => subject.name);
      expect(names).toEqual(["jane", "joe", "robot"]);
    });
  });

  describe("kubectl edit and replace", () => {
    it.concurrent("edits what the editor changes, and nothing where it changes nothing", async () => {
      const one = await withDeployment();
      const edit = (editor: string, ...args: string[]) =>
        one.kubectl(["edit", "deployment", "web", ...args], { env: { KUBE_EDITOR: editor } });
      expect(await edit("sed -i s/main:1/main:3/")).toEqual({
        code: 0,
        stdout: "deployment.apps/web edited\n",
        stderr: "",
      });
      expect(main(await web(one)).image).toBe("registry.test/main:3");
      expect((await edit("true")).stderr).toBe("Edit cancelled, no changes made.\n");
      const status = await edit("sed -i s/status:.*/status:\\\\n\\ \\ replicas:\\ 4/", "--subresource=status");
      expect([status.code, status.stderr]).toEqual([0, ""]);
      expect((await web(one)).status.replicas).toBe(4);
      // A second time with what was refused: the editor leaves it, and kubectl gives up.
      const refused = await edit("sed -i s/replicas:.2/replicas:\\ -2/");
      expect(refused.code).toBe(1);
      expect(refused.stderr).toContain('error: deployments.apps "web" is invalid');
    });

    it.concurrent("replaces, by force too", async () => {
      const one = await withDeployment();
      const { metadata } = await web(one);
      const file = one.file("web", deployment([{ name: "Z", value: "1" }], 1));
      expect(await one.run("replace", "-f", file)).toBe("deployment.apps/web replaced");
      const replaced = await web(one);
      expect([replaced.spec.replicas, main(replaced).env, replaced.metadata.uid]).toEqual([
        1,
        [{ name: "Z", value: "1" }],
        metadata.uid,
      ]);
      const stale = { ...deployment(), metadata: { name: "web", resourceVersion: metadata.resourceVersion } };
      expect(await one.refused("replace", "-f", one.file("stale", stale))).toContain(
        'Operation cannot be fulfilled on deployments.apps "web": the object has been modified',
      );
      await one.run("replace", "--force", "-f", file);
      expect((await web(one)).metadata.uid).not.toBe(metadata.uid);
      expect(await one.refused("replace", "-f", one.file("nothing", pod("nothing")))).toContain(
        'pods "nothing" not found',
      );
    });
  });

  describe("kubectl scale", () => {
    it.concurrent("sets replicas, once they and the version are as expected", async () => {
      const one = await withDeployment();
      expect(await one.run("scale", "deployment/web", "--replicas=3")).toBe("deployment.apps/web scaled");
      expect(await one.refused("scale", "deployment/web", "--replicas=4", "--current-replicas=2")).toContain(
        "Expected replicas to be 2, was 3",
      );
      await one.run("scale", "-f", one.file("web", deployment()), "--replicas=5", "--current-replicas=3");
      const { metadata, spec } = await web(one);
      expect([spec.replicas, metadata.generation]).toEqual([5, 3]);
      const more = ["statefulset", "replicaset", "replicationcontroller"].map((kind) => ({
        apiVersion: kind === "replicationcontroller" ? "v1" : "apps/v1",
        kind: { statefulset: "StatefulSet", replicaset: "ReplicaSet", replicationcontroller: "ReplicationController" }[
          kind
        ],
        metadata: { name: "other" },
        spec: {
          serviceName: kind === "statefulset" ? "other" : undefined,
          selector: kind === "replicationcontroller" ? { app: "other" } : { matchLabels: { app: "other" } },
          template: { metadata: { labels: { app: "other" } }, spec: pod("x").spec },
        },
      }));
      await one.create(...more);
      await one.run("scale", "statefulset/other", "replicaset/other", "rc/other", "--replicas=0");
      const all = await one.run("get", "statefulset,replicaset,rc", "-o", "jsonpath={.items[*].spec.replicas}");
      expect(all).toBe("0 0 0");
    });
  });
});

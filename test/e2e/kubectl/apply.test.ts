/** kubectl apply, on the client's side and the server's, diff, kustomize, and files of every shape. */
import { describe, expect, it } from "vitest";
import { builtIn } from "../../../src/controlplane/apiserver/resources/table.ts";
import { headOf } from "../../fixtures/fuzz/objects.ts";
import { validObject } from "../../fixtures/fuzz/valid.ts";
import { list, oldKubectl, onEachStore, type Case } from "../../fixtures/clusters.ts";

const configMap = (name: string, data: Record<string, string>, labels: Record<string, string> = {}) => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name, labels },
  data,
});

const deployment = (name: string, env: object[]) => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name },
  spec: {
    replicas: 2,
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name } },
      spec: { containers: [{ name: "main", image: "registry.test/main:1", env }] },
    },
  },
});
const variables = (...pairs: string[]) => pairs.map((pair) => ({ name: pair[0], value: pair.slice(2) }));

const apply = (one: Case, object: object, ...more: string[]) =>
  one.runWith({ input: object }, "apply", "-f", "-", ...more);

onEachStore((cluster) => {
  describe("kubectl apply", () => {
    it.concurrent("makes, changes, leaves alone and removes what its file says", async () => {
      const one = await cluster.namespace();
      expect(await apply(one, configMap("cm", { a: "1", b: "1" }))).toBe("configmap/cm created");
      expect(await apply(one, configMap("cm", { a: "2", b: "1" }))).toBe("configmap/cm configured");
      expect(await apply(one, configMap("cm", { a: "2", b: "1" }))).toBe("configmap/cm unchanged");
      await one.run("patch", "cm", "cm", "--type", "merge", "-p", '{"data":{"other":"x"}}');
      await apply(one, configMap("cm", { a: "2" }));
      expect((await one.object("cm", "cm")).data).toEqual({ a: "2", other: "x" });
    });

    it.concurrent("merges containers' variables by name", async () => {
      const one = await cluster.namespace();
      const main = async (): Promise<any> => (await one.object("deployment", "env")).spec.template.spec.containers[0];
      await apply(one, deployment("env", variables("A=1", "B=1")));
      await one.run("set", "env", "deployment/env", "C=1");
      await apply(one, deployment("env", variables("B=2", "D=1")));
      const names = (await main()).env.map((variable: any) => `${variable.name}=${variable.value}`);
      expect(names.sort()).toEqual(["B=2", "C=1", "D=1"]);
      // kubectl asks for the order of its own items as long as there are others: nothing changes by that.
      const before = await one.object("deployment", "env");
      await apply(one, deployment("env", variables("B=2", "D=1")));
      expect(await one.object("deployment", "env")).toEqual(before);
      await one.run("set", "env", "deployment/env", "C-");
      expect(await apply(one, deployment("env", variables("B=2", "D=1")))).toBe("deployment.apps/env unchanged");
    });

    it.concurrent("changes nothing on a dry run of either side, and shows what would differ", async () => {
      const one = await cluster.namespace();
      await apply(one, configMap("dry", { a: "1" }));
      const changed = one.file("dry", configMap("dry", { a: "2" }));
      for (const side of ["server", "client"]) {
        const said = await one.run("apply", `--dry-run=${side}`, "-f", changed);
        expect(said).toBe(`configmap/dry configured (${side === "server" ? "server " : ""}dry run)`);
      }
      const diff = await one.kubectl(["diff", "-f", changed]);
      expect(diff.code).toBe(1);
      expect(diff.stdout).toContain('-  a: "1"\n+  a: "2"');
      expect((await one.kubectl(["diff", "--server-side", "--force-conflicts", "-f", changed])).code).toBe(1);
      expect((await one.object("cm", "dry")).data).toEqual({ a: "1" });
      await apply(one, configMap("dry", { a: "2" }));
      expect(await one.kubectl(["diff", "-f", changed])).toEqual({ code: 0, stdout: "", stderr: "" });
    });

    it.concurrent("prunes what its files do not name any more", async () => {
      const one = await cluster.namespace();
      const labels = { set: `pruned-${one.name}` };
      const first = one.file("p1", configMap("p1", {}, labels));
      await one.run("apply", "-f", first, "-f", one.file("p2", configMap("p2", {}, labels)));
      await one.create(configMap("p3", {}, labels));
      const args = ["apply", "--prune", "-l", `set=${labels.set}`, "--prune-allowlist=core/v1/ConfigMap"];
      const said = await one.run(...args, "-f", first);
      expect(said.split("\n").sort()).toEqual(["configmap/p1 unchanged", "configmap/p2 pruned"]);
      // What was not applied is not pruned.
      expect(await one.run("get", "cm", "-l", `set=${labels.set}`, "-o", "name")).toBe("configmap/p1\nconfigmap/p3");
    });

    it.concurrent("prunes the sets that apply makes (KEP-3659)", async () => {
      const one = await cluster.namespace();
      const env = { KUBECTL_APPLYSET: "true" };
      const args = ["apply", "--prune", "--applyset=configmaps/set", "-f"];
      await one.runWith({ env }, ...args, one.file("both", list([configMap("a", {}), configMap("b", {})])));
      const said = await one.runWith({ env }, ...args, one.file("one", configMap("a", {})));
      expect(said.split("\n")).toEqual(["configmap/a unchanged", "configmap/b pruned"]);
    });

    it.concurrent(
      "takes lists, directories with their subdirectories, several documents and standard input",
      async () => {
        const one = await cluster.namespace();
        const both = list([configMap("l1", { a: "1" }), deployment("l2", [])]);
        expect(await apply(one, both)).toBe("configmap/l1 created\ndeployment.apps/l2 created");
        expect(await apply(one, both)).toBe("configmap/l1 unchanged\ndeployment.apps/l2 unchanged");
        expect(await apply(one, both, "--server-side", "--field-manager=other")).toBe(
          "configmap/l1 serverside-applied\ndeployment.apps/l2 serverside-applied",
        );
        const wrong = list([configMap("l3", { a: "1" }), { ...configMap("l4", {}), extra: "1" }]);
        const refused = await one.kubectl(["apply", "-f", "-"], { input: wrong });
        expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('unknown field "extra"')]);
        const oldWrong = await one.kubectl(["apply", "-f", "-"], { input: wrong, program: oldKubectl });
        expect([oldWrong.code, oldWrong.stderr]).toEqual([1, expect.stringContaining('unknown field "extra"')]);
        const typed = { apiVersion: "v1", kind: "ConfigMapList", items: [configMap("l5", { a: "1" })] };
        expect(await apply(one, typed)).toBe("configmap/l5 created");

        one.file("dir/a.json", configMap("d1", {}));
        one.file("dir/b.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: d2\n---\n# nothing\n---\n");
        one.file("dir/deep/c.yml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: d3}\ndata: {a: yes-it-is}\n");
        one.file("dir/not-this.txt", "x");
        expect(await one.run("apply", "-f", `${one.folder}/dir`)).toBe("configmap/d1 created\nconfigmap/d2 created");
        expect(await one.run("apply", "--recursive", "-f", `${one.folder}/dir`)).toContain("configmap/d3 created");
        expect(await one.run("delete", "-R", "-f", `${one.folder}/dir`)).toBe(
          ["d1", "d2", "d3"].map((name) => `configmap "${name}" deleted`).join("\n"),
        );
      },
    );

    it.concurrent("takes an object of every kind, alone and in a list, by kubectls of both ages", async () => {
      const one = await cluster.namespace();
      const objects = builtIn.flatMap((resource) => {
        const valid = validObject(resource);
        return valid ? [{ ...headOf(resource, resource.versions[0], "n0"), ...valid }] : [];
      });
      expect(objects.length).toBeGreaterThan(40);
      const args = ["apply", "--dry-run=server", "-o", "name", "-f"];
      const documents = objects.map((object) => JSON.stringify(object)).join("\n---\n");
      const said = await one.run(...args, one.file("documents.yaml", `---\n${documents}`));
      expect(said.split("\n").length).toBe(objects.length);
      // kubectl itself checks what a list holds, by OpenAPI version 2.
      expect(await one.run(...args, one.file("list.json", list(objects)))).toBe(said);
      expect(await one.old(...args, one.file("list.json", list(objects)))).toBe(said);
    });

    it.concurrent("takes what kustomize makes", async () => {
      const one = await cluster.namespace();
      one.file("base/web.json", deployment("web", []));
      one.file("base/kustomization.yaml", "resources: [web.json]\n");
      one.file(
        "over/kustomization.yaml",
        "resources: [../base]\nnamePrefix: test-\nlabels: [{pairs: {tier: front}}]\nreplicas: [{name: web, count: 5}]\nconfigMapGenerator: [{name: settings, literals: [a=1]}]\nimages: [{name: registry.test/main, newTag: '2'}]\n",
      );
      const said = await one.run("apply", "-k", `${one.folder}/over`);
      expect(said).toMatch(/^configmap\/test-settings-\w+ created\ndeployment\.apps\/test-web created$/);
      const { metadata, spec } = await one.object("deployment", "test-web");
      expect([metadata.labels, spec.replicas, spec.template.spec.containers[0].image]).toEqual([
        { tier: "front" },
        5,
        "registry.test/main:2",
      ]);
      expect(await one.run("get", "-k", `${one.folder}/over`, "-o", "name")).toContain("deployment.apps/test-web");
      expect(await one.run("kustomize", `${one.folder}/over`)).toContain("name: test-web");
      expect(await one.run("delete", "-k", `${one.folder}/over`)).toContain('deployment.apps "test-web" deleted');
    });

    it.concurrent("shows, makes and changes what was applied last", async () => {
      const one = await cluster.namespace();
      await one.create(configMap("cm", { a: "1" }));
      const file = one.file("cm.json", configMap("cm", { a: "1" }));
      expect(await one.run("apply", "set-last-applied", "--create-annotation", "-f", file)).toBe(
        "configmap/cm configured",
      );
      expect(await one.run("apply", "view-last-applied", "cm", "cm", "-o", "json")).toContain('"a": "1"');
      const env = { KUBE_EDITOR: `sed -i 's/"1"/"7"/'` };
      await one.runWith({ env }, "apply", "edit-last-applied", "cm", "cm");
      expect(await one.run("apply", "view-last-applied", "cm", "cm")).toContain('a: "7"');
    });

    it.concurrent("replaces by force what cannot be changed", async () => {
      const one = await cluster.namespace();
      const job = (image: string) => ({
        apiVersion: "batch/v1",
        kind: "Job",
        metadata: { name: "once" },
        spec: { template: { spec: { restartPolicy: "Never", containers: [{ name: "c", image }] } } },
      });
      await apply(one, job("app:1"));
      const changed = one.file("job.json", job("app:2"));
      expect(await one.refused("apply", "-f", changed)).toContain("field is immutable");
      expect(await one.run("apply", "--force", "-f", changed)).toMatch(/job.batch\/once (configured|created)$/);
      expect((await one.object("job", "once")).spec.template.spec.containers[0].image).toBe("app:2");
    });
  });

  describe("kubectl apply --server-side", () => {
    const applied = (one: Case, manager: string, name: string, data: Record<string, string>, ...more: string[]) =>
      one.kubectl(["apply", "--server-side", `--field-manager=${manager}`, "-f", "-", ...more], {
        input: configMap(name, data),
      });

    it.concurrent("conflicts between managers until one is forced", async () => {
      const one = await cluster.namespace();
      expect((await applied(one, "one", "ssa", { a: "1", b: "1" })).stdout).toBe("configmap/ssa serverside-applied\n");
      expect((await applied(one, "two", "ssa", { c: "1" })).code).toBe(0);
      const refused = await applied(one, "two", "ssa", { a: "2", c: "1" });
      expect(refused.code).toBe(1);
      expect(refused.stderr).toContain('Apply failed with 1 conflict: conflict with "one": .data.a');
      expect((await applied(one, "two", "ssa", { a: "2", c: "1" }, "--force-conflicts")).code).toBe(0);
      expect((await applied(one, "one", "ssa", { b: "1" })).code).toBe(0);
      expect((await one.object("cm", "ssa")).data).toEqual({ a: "2", b: "1", c: "1" });
    });

    it.concurrent("takes over what was applied on the client's side", async () => {
      const one = await cluster.namespace();
      await apply(one, configMap("moved", { a: "1", b: "1" }));
      const moved = await applied(one, "kubectl", "moved", { a: "2" });
      expect([moved.code, moved.stderr]).toEqual([0, ""]);
      const object = await one.object("cm", "moved");
      expect(object.data).toEqual({ a: "2" });
      // kubectl keeps the annotation under a name of its own, for those who go back. Entries are in order of
      // time, in seconds: which of the two is first depends on when the second turned.
      const managers = object.metadata.managedFields.map((entry: any) => `${entry.manager} ${entry.operation}`);
      expect(managers.sort()).toEqual(["kubectl Apply", "kubectl-last-applied Apply"]);
    });

    it.concurrent("goes back to the client's side", async () => {
      const one = await cluster.namespace();
      await applied(one, "kubectl", "back", { a: "1" });
      expect(await apply(one, configMap("back", { a: "2", b: "1" }))).toBe("configmap/back configured");
      expect((await one.object("cm", "back")).data).toEqual({ a: "2", b: "1" });
    });

    it.concurrent("says on a dry run what it would do, and does not", async () => {
      const one = await cluster.namespace();
      const dry = await applied(one, "one", "dry", { a: "1" }, "--dry-run=server");
      expect(dry.stdout).toBe("configmap/dry serverside-applied (server dry run)\n");
      expect(await one.refused("get", "cm", "dry")).toContain("not found");
    });
  });
});

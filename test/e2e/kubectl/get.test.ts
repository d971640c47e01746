/** kubectl get: every form of output, selection, paging, and watching. */
import { beforeAll, describe, expect, it } from "vitest";
import { onEachStore, type Case } from "../../fixtures/clusters.ts";

const pod = (name: string, tier: string, nodeName?: string) => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, labels: { tier } },
  spec: { containers: [{ name: "app", image: `app:${name}` }], ...(nodeName === undefined ? {} : { nodeName }) },
});
const map = (name: string) => ({ apiVersion: "v1", kind: "ConfigMap", metadata: { name }, data: { a: name } });

interface Form {
  readonly args: readonly string[];
  readonly says: string | RegExp;
}
const form = (line: string, says: string | RegExp): Form => ({ args: line.split(" "), says });

/** Of pods a (tier front, on node-1), b (back) and c (front), which is Running. */
const forms: readonly Form[] = [
  form("get pods", /^NAME +READY +STATUS +RESTARTS +AGE\na +0\/1 +Pending +0 +\d+s\nb .*\nc +0\/1 +Running +0 +\d+s$/),
  form("get pods --no-headers", /^a +0\/1.*\nb.*\nc[^\n]*$/),
  form("get pod a -o wide", /^NAME .*IP +NODE +NOMINATED NODE +READINESS GATES\na .*<none> +node-1 +<none> +<none>$/),
  form("get pods -o name", "pod/a\npod/b\npod/c"),
  form("get pod a -o jsonpath={.spec.containers[*].image}", "app:a"),
  form("get pods -o jsonpath={range.items[*]}{.metadata.name}{'\\n'}{end}", "a\nb\nc"),
  form("get pods -o jsonpath-as-json={.items[*].metadata.name}", '[\n    "a",\n    "b",\n    "c"\n]'),
  form(
    "get pods -o custom-columns=NAME:.metadata.name,TIER:.metadata.labels.tier",
    /^NAME +TIER\na +front\nb +back\nc +front$/,
  ),
  form("get pods -o go-template={{range.items}}{{.metadata.name}}.{{end}}", "a.b.c."),
  form("get pods --show-labels", /LABELS\na .* tier=front\nb .* tier=back\n/),
  form("get pods --show-kind --no-headers", /^pod\/a .*\npod\/b .*\npod\/c .*$/),
  form("get pods -L tier --no-headers", /^a .* front\nb .* back\nc .* front$/),
  form("get pods -l tier=front -o name", "pod/a\npod/c"),
  form("get pods -l tier!=front -o name", "pod/b"),
  form("get pods --selector=tier\u00a0in\u00a0(front,back),tier\u00a0notin\u00a0(back) -o name", "pod/a\npod/c"),
  form("get pods --field-selector=spec.nodeName=node-1 -o name", "pod/a"),
  form("get pods --field-selector=status.phase=Running,metadata.name!=a -o name", "pod/c"),
  form("get pods --sort-by=.metadata.labels.tier -o name", /^pod\/b\npod\/(a\npod\/c|c\npod\/a)$/),
  form("get pods --chunk-size=1 -o name", "pod/a\npod/b\npod/c"),
  form("get pods --chunk-size=2 --no-headers", /^a .*\nb .*\nc .*$/),
  form("get pods a c -o name", "pod/a\npod/c"),
  form("get pod/a cm/m -o name", "pod/a\nconfigmap/m"),
  form("get pods,configmaps -o name", "pod/a\npod/b\npod/c\nconfigmap/m"),
  form("get po nothing --ignore-not-found", ""),
  form("get all -o name", "pod/a\npod/b\npod/c"),
  form("get pod a -o yaml", /^apiVersion: v1\nkind: Pod\nmetadata:\n {2}creationTimestamp: /),
  form("get pod a -o jsonpath={.metadata.managedFields[0].manager} --show-managed-fields", "kubectl-create"),
  form("get pods --server-print=false --no-headers", /^a +\d+s\nb +\d+s\nc +\d+s$/),
  form("get pod a --subresource=status -o jsonpath={.status.phase}", "Pending"),
];

onEachStore((cluster) => {
  describe("kubectl", () => {
    let one: Case;
    beforeAll(async () => {
      one = await cluster.namespace();
      await one.create(pod("b", "back"), pod("a", "front", "node-1"), pod("c", "front"), map("m"));
      await one.status("pod", "c", { phase: "Running" });
    });

    it.concurrent.each(forms.map((form) => [form.args.join(" "), form] as const))("%s", async (_, { args, says }) => {
      const said = await one.run(...args.map((word) => word.replaceAll("\u00a0", " ")));
      if (typeof says === "string") expect(said).toBe(says);
      else expect(said).toMatch(says);
    });

    it.concurrent("get -o json has what the API has", async () => {
      const where = `/api/v1/namespaces/${one.name}/pods`;
      const { items } = JSON.parse(await one.run("get", "pods", "-o", "json", "--show-managed-fields"));
      const { body } = await cluster.admin.request("GET", where);
      // kubectl writes each item's type, which lists leave out.
      const typed = body.items.map((item: object) => ({ apiVersion: "v1", kind: "Pod", ...item }));
      expect(items).toEqual(typed);
      expect(JSON.parse(await one.run("get", "--raw", where))).toEqual(body);
    });

    it.concurrent("get -A, and columns and templates of files", async () => {
      const everywhere = await one.run("get", "configmaps", "-A", "--no-headers");
      expect(everywhere).toMatch(new RegExp(`^${one.name} +m +1 +\\d+s$`, "m"));
      const columns = one.file("columns", "NAME IMAGE\nmetadata.name spec.containers[0].image\n");
      expect(await one.run("get", "pods", "-o", `custom-columns-file=${columns}`)).toMatch(/^NAME +IMAGE\na +app:a\n/);
      const expression = one.file("path", "{.items[*].metadata.name}");
      expect(await one.run("get", "pods", "-o", `jsonpath-file=${expression}`)).toBe("a b c");
      const template = one.file("template", "{{len .items}}");
      expect(await one.run("get", "pods", "-o", `go-template-file=${template}`)).toBe("3");
      const named = one.file("named.json", pod("a", "front"));
      expect(await one.run("get", "-f", named, "-o", "name")).toBe("pod/a");
    });

    it.concurrent("refuses what is not there, and what cannot be selected", async () => {
      expect(await one.refused("get", "pod", "nothing")).toBe('Error from server (NotFound): pods "nothing" not found');
      expect(await one.refused("get", "nothings")).toBe('error: the server doesn\'t have a resource type "nothings"');
      expect(await one.refused("get", "pods", "--field-selector=spec.x=1")).toContain(
        "field label not supported: spec.x",
      );
      expect(await one.refused("get", "pods", "-l", "a=(")).toContain("unable to parse requirement");
      expect(await one.refused("get", "--raw", "/nothing")).toContain(
        "the server could not find the requested resource",
      );
    });
  });

  describe("kubectl get --watch", () => {
    it.concurrent("shows what is there, then what comes", async () => {
      const one = await cluster.namespace();
      await one.create(map("first"));
      const watch = one.follow("get", "configmaps", "--watch", "--no-headers");
      await watch.says(/^first +1 +\d+s$/m);
      await one.create(map("second"));
      await watch.says(/^second +1 +\d+s$/m);
      await one.run("patch", "cm", "first", "--type=merge", "-p", '{"data":{"b":"2"}}');
      await watch.says(/^first +2 +\d+s$/m);
      await watch.stop();
    });

    it.concurrent("--watch-only and --output-watch-events say what happens alone", async () => {
      const one = await cluster.namespace();
      await one.create(map("first"));
      const watch = one.follow("get", "cm", "--watch-only", "--output-watch-events", "--no-headers");
      // Whether it watches yet can be told by what it sees alone.
      await one.create(map("probe"));
      const table = one.follow("get", "cm", "--watch", "--output-watch-events", "--no-headers", "-l", "!x");
      await table.says(/^ADDED +first .*$/m);
      for (let i = 0; !watch.text().includes("first ") && i < 40; i++) {
        await one.run("annotate", "--overwrite", "cm", "first", `turn=${i}`);
      }
      expect(watch.text()).not.toMatch(/ADDED +first/);
      await watch.says(/^MODIFIED +first /m);
      await one.run("delete", "cm", "first");
      await watch.says(/^DELETED +first /m);
      await table.says(/^DELETED +first .*$/m);
      await Promise.all([watch.stop(), table.stop()]);
    });

    it.concurrent("of one object, as JSON, and of those that are selected", async () => {
      const one = await cluster.namespace();
      await one.create(pod("a", "front"));
      const ofOne = one.follow("get", "pod", "a", "-w", "-o", "jsonpath={.status.phase}{'\\n'}");
      const selected = one.follow("get", "pods", "-w", "-l", "tier=back", "--no-headers", "--output-watch-events");
      await ofOne.says("Pending\n");
      await one.status("pod", "a", { phase: "Running" });
      await ofOne.says("Running\n");
      for (let i = 0; !selected.text().includes("DELETED") && i < 40; i++) {
        for (const tier of ["back", "front"]) await one.run("label", "--overwrite", "pod", "a", `tier=${tier}`);
      }
      // What comes to fit a selector is new to its watcher, and what no longer fits is gone.
      await selected.says(/ADDED +a [^]*DELETED +a /);
      await Promise.all([ofOne.stop(), selected.stop()]);
    });
  });
});

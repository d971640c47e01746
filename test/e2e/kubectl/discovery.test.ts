/** What kubectl says of the API and of itself: explain, api-resources, api-versions, cluster-info, version, config. */
import { existsSync } from "node:fs";
import { stripVTControlCharacters } from "node:util";
import { describe, expect, it } from "vitest";
import { onEachStore } from "../../fixtures/clusters.ts";
import { cronTabs } from "../../fixtures/definitions.ts";

onEachStore((cluster) => {
  describe("kubectl explain", () => {
    it.concurrent.each([
      ["pods.spec.containers.image", /KIND: +Pod\nVERSION: +v1\n\nFIELD: image <string>\n/],
      ["deployments.spec.strategy.type", /GROUP: +apps\nKIND: +Deployment\nVERSION: +v1\n\nFIELD: type <string>/],
      ["svc", /KIND: +Service\nVERSION: +v1\n/],
      ["cronjobs.spec.jobTemplate.spec.template.spec.volumes.configMap.items", /FIELD: items <\[\]KeyToPath>/],
      ["hpa.spec.metrics", /GROUP: +autoscaling\nKIND: +HorizontalPodAutoscaler\nVERSION: +v2\n/],
      ["networkpolicies.spec.ingress.from.ipBlock", /FIELDS:\n +cidr\t<string> -required-\n/],
      ["crd.spec.versions.schema.openAPIV3Schema", /FIELD: openAPIV3Schema <JSONSchemaProps>/],
    ])("%s", async (what, says) => {
      const one = await cluster.namespace();
      expect(await one.run("explain", what)).toMatch(says);
    });

    it.concurrent("--recursive, of every depth and of another version", async () => {
      const one = await cluster.namespace();
      const deep = await one.run("explain", "pods", "--recursive");
      for (const field of ["  spec\t<PodSpec>", "        valueFrom\t<EnvVarSource>", "topologySpreadConstraints"]) {
        expect(deep).toContain(field);
      }
      expect(await one.run("explain", "hpa.spec", "--api-version=autoscaling/v1")).toContain(
        "targetCPUUtilizationPercentage\t<integer>",
      );
      // Schemas that name themselves end somewhere.
      expect(await one.run("explain", "crd", "--recursive")).toContain("openAPIV3Schema");
      expect(await one.refused("explain", "pods.spec.nothing")).toContain('field "nothing" does not exist');
      const plain = await one.run("explain", "pods", "--recursive", "--output=plaintext-openapiv2");
      expect(plain).toContain("topologySpreadConstraints\t<[]Object>");
    });

    it.concurrent("explains custom resources", async () => {
      const one = await cluster.namespace();
      await one.create(cronTabs);
      const crd = `crd/${cronTabs.metadata.name}`;
      await one.run("wait", "--for=condition=Established", crd);
      expect(await one.run("explain", "crontabs.spec.replicas")).toMatch(
        /GROUP: +stable.example.com\nKIND: +CronTab\nVERSION: +v1\n\nFIELD: replicas <integer>/,
      );
      expect(await one.run("api-resources", "--api-group=stable.example.com", "-o", "name")).toBe(
        "crontabs.stable.example.com",
      );
      await one.run("delete", crd);
      expect(await one.refused("get", "crontabs")).toContain("crontabs");
    });
  });

  describe("kubectl api-resources and api-versions", () => {
    it.concurrent("lists what there is, by group, verb, scope and form", async () => {
      const one = await cluster.namespace();
      const wide = (await one.run("api-resources", "-o", "wide")).split("\n");
      expect(wide.find((line) => line.startsWith("deployments"))).toMatch(
        /^deployments +deploy +apps\/v1 +true +Deployment +create,delete,deletecollection,get,list,patch,update,watch +all$/,
      );
      expect(wide.find((line) => line.startsWith("tokenreviews"))).toMatch(/ create *$/);
      const apps = await one.run("api-resources", "--api-group=apps", "-o", "name", "--sort-by=name");
      expect(apps.split("\n")).toEqual(
        ["controllerrevisions", "daemonsets", "deployments", "replicasets", "statefulsets"].map((n) => `${n}.apps`),
      );
      const unlistable = await one.run("api-resources", "--verbs=create", "--namespaced=true", "-o", "name");
      expect(unlistable.split("\n")).toContain("localsubjectaccessreviews.authorization.k8s.io");
      expect(await one.run("api-resources", "--namespaced=false", "--categories=all", "-o", "name")).toBe("");
      expect(await one.old("api-resources", "--api-group=batch", "-o", "name")).toBe("cronjobs.batch\njobs.batch");
      const versions = (await one.run("api-versions")).split("\n");
      expect(versions).toEqual(expect.arrayContaining(["v1", "apps/v1", "autoscaling/v1", "autoscaling/v2"]));
    });
  });

  describe("kubectl cluster-info, version and config", () => {
    it.concurrent("says where the server is, and dumps what it has", async () => {
      const one = await cluster.namespace();
      const info = stripVTControlCharacters(await one.run("cluster-info"));
      expect(info).toContain(`Kubernetes control plane is running at ${cluster.url}`);
      await one.run("create", "deployment", "web", "--image=app:1");
      const folder = `${one.folder}/dump`;
      await one.run("cluster-info", "dump", `--namespaces=${one.name}`, `--output-directory=${folder}`);
      for (const file of ["nodes.json", `${one.name}/deployments.json`, `${one.name}/events.json`]) {
        expect(existsSync(`${folder}/${file}`), file).toBe(true);
      }
      expect(await one.run("cluster-info", "dump", `--namespaces=${one.name}`)).toContain('"name": "web"');
    });

    it.concurrent("says its version and the server's", async () => {
      const one = await cluster.namespace();
      const { serverVersion } = JSON.parse(await one.run("version", "-o", "json"));
      expect(serverVersion).toMatchObject({ major: "1", gitVersion: expect.stringMatching(/^v1\.\d+\.\d+/) as string });
      expect(await one.run("version")).toContain(`Server Version: ${serverVersion.gitVersion}`);
      expect(await one.old("version", "--short")).toContain(`Server Version: ${serverVersion.gitVersion}`);
    });

    it.concurrent("reads and changes its own configuration", async () => {
      const one = await cluster.namespace();
      const view = JSON.parse(await one.run("config", "view", "-o", "json"));
      expect(view.clusters[0].cluster.server).toBe(cluster.url);
      const current = await one.run("config", "current-context");
      expect(await one.run("config", "get-contexts", "-o", "name")).toBe(current);
      const copy = one.file("copy", await one.run("config", "view", "--raw", "--flatten"));
      const own = (...args: string[]) => one.run(...args, `--kubeconfig=${copy}`);
      await own("config", "set-context", "other", "--cluster", view.clusters[0].name, "--user", view.users[0].name);
      await own("config", "set-context", "other", "--namespace=kube-system");
      expect(await own("config", "use-context", "other")).toBe('Switched to context "other".');
      expect(await own("config", "view", "--minify", "-o", "jsonpath={..namespace}")).toBe("kube-system");
    });
  });
});

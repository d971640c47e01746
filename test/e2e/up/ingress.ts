/** Ingress is not ours, but a controller of Ingresses runs: what it needs of a cluster is there. */
import { expect, it } from "vitest";
import { haproxyIngress, importHaproxyIngress } from "../../fixtures/haproxy_ingress.ts";
import { workbench } from "../../fixtures/up_images.ts";
import { UpCluster } from "../../fixtures/up_cluster.ts";
import { UpPlace } from "../../fixtures/up_place.ts";

export function ingressCase(cluster: UpCluster): void {
  it.concurrent(
    "leads names of hosts to Services by an Ingress controller in a pod of the node's network",
    async () => {
      await importHaproxyIngress(cluster);
      const place = await UpPlace.make(cluster, "ingress");
      await place.apply(...haproxyIngress(place.namespace));
      for (const [name, image] of [
        ["one", workbench[0]],
        ["two", workbench[1]],
      ] as const) {
        await place.run("create", "deployment", name, `--image=${image}`);
        await place.run("expose", "deployment", name, "--port=80", "--target-port=8080");
        await place.run("patch", "service", name, "-p", '{"spec":{"ports":[{"port":80,"name":"http"}]}}');
        await place.rolledOut(`deployment/${name}`);
      }
      await place.run("create", "ingress", "web", "--rule=one.example/*=one:http", "--rule=two.example/*=two:http");
      const ask = (host: string): Promise<string> => {
        const url = `http://${UpCluster.nodeIp}/`;
        const words = `http.get("${url}", { headers: { host: "${host}" }, timeout: 5000 }, (one) => one.pipe(process.stdout))`;
        return cluster.here(process.execPath, "-e", words).catch((error: Error) => error.message);
      };
      const answers = (host: string, says: RegExp) =>
        place.eventually(`${host} with ${String(says)}`, async () => says.test(await ask(host)));

      await answers("one.example", /^hello from one-\S+, version v1$/m);
      await answers("TWO.example:80", /^hello from two-\S+, version v2$/m);
      expect(await ask("three.example")).toContain("503 Service Unavailable");

      // New pods, and a new rule: the controller follows.
      const pods = async (): Promise<string> => place.field("pods -l app=one", ".items[*].metadata.name");
      const before = await pods();
      await place.run("rollout", "restart", "deployment/one");
      await place.rolledOut("deployment/one");
      const after = (await pods()).split(" ").filter((name) => name !== before);
      expect(after).toHaveLength(1);
      await answers("one.example", new RegExp(`^hello from ${after[0]!},`, "m"));
      await place.run("create", "ingress", "more", "--rule=three.example/*=two:http");
      await answers("three.example", /^hello from two-/m);
      await place.run("delete", "ingress", "more");
      await answers("three.example", /503 Service Unavailable/);
    },
  );
}

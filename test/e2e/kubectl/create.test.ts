/** kubectl create, every generator of it, and what else makes objects: run, expose, autoscale. */
import { expect, it } from "vitest";
import { onEachStore, type Case } from "../../fixtures/clusters.ts";

interface Generated {
  readonly args: readonly string[];
  /** What of the object is looked at, and where it is. */
  readonly is: object;
  readonly kind: string;
  readonly name: string;
}

/** `create` and its arguments, up to what they make. */
function made(kind: string, name: string, line: string, is: object): Generated {
  return { kind, name, args: ["create", ...line.split(" ")], is };
}

const base64 = (text: string): string => Buffer.from(text).toString("base64");
const limits = (plural: string) => ({ hard: { cpu: "1", [plural]: "2" } });

const generators: readonly Generated[] = [
  made("deployment", "web", "deployment web --image=app:1 --replicas=2 --port=80", {
    spec: {
      replicas: 2,
      selector: { matchLabels: { app: "web" } },
      template: { spec: { containers: [{ name: "app", image: "app:1", ports: [{ containerPort: 80 }] }] } },
    },
  }),
  made("job", "once", "job once --image=app:1 -- date", {
    spec: { template: { spec: { restartPolicy: "Never", containers: [{ command: ["date"] }] } } },
  }),
  made("cronjob", "often", "cronjob often --image=app:1 --schedule=*/5\u00a0*\u00a0*\u00a0*\u00a0* -- date", {
    spec: { schedule: "*/5 * * * *", concurrencyPolicy: "Allow" },
  }),
  made("configmap", "literal", "configmap literal --from-literal=a=1 --from-literal=b=2", { data: { a: "1", b: "2" } }),
  made("secret", "opaque", "secret generic opaque --from-literal=a=1", { type: "Opaque", data: { a: base64("1") } }),
  made(
    "secret",
    "registry",
    "secret docker-registry registry --docker-server=r.test --docker-username=u --docker-password=p",
    {
      type: "kubernetes.io/dockerconfigjson",
      data: {
        ".dockerconfigjson": base64(`{"auths":{"r.test":{"username":"u","password":"p","auth":"${base64("u:p")}"}}}`),
      },
    },
  ),
  made("service", "inside", "service clusterip inside --tcp=80:8080", {
    spec: { type: "ClusterIP", selector: { app: "inside" }, ports: [{ port: 80, targetPort: 8080, protocol: "TCP" }] },
  }),
  made("service", "headless", "service clusterip headless --clusterip=None --tcp=80", { spec: { clusterIP: "None" } }),
  made("service", "ported", "service nodeport ported --tcp=80", {
    spec: { type: "NodePort", ports: [{ nodePort: expect.any(Number) as unknown }] },
  }),
  made("service", "balanced", "service loadbalancer balanced --tcp=80", {
    spec: { type: "LoadBalancer", allocateLoadBalancerNodePorts: true },
  }),
  made("service", "outside", "service externalname outside --external-name=example.com", {
    spec: { type: "ExternalName", externalName: "example.com" },
  }),
  made("ingress", "entry", "ingress entry --rule=web.test/path*=web:80,tls=cert --class=nginx", {
    spec: {
      ingressClassName: "nginx",
      rules: [{ host: "web.test", http: { paths: [{ path: "/path", pathType: "Prefix" }] } }],
      tls: [{ hosts: ["web.test"], secretName: "cert" }],
    },
  }),
  made("quota", "bounds", "quota bounds --hard=cpu=1,pods=2", { spec: limits("pods") }),
  made("role", "reader", "role reader --verb=get,list --resource=pods,deployments.apps", {
    rules: [
      { verbs: ["get", "list"], apiGroups: [""], resources: ["pods"] },
      { verbs: ["get", "list"], apiGroups: ["apps"], resources: ["deployments"] },
    ],
  }),
  made("rolebinding", "readers", "rolebinding readers --role=reader --user=jane --serviceaccount=a:b", {
    roleRef: { kind: "Role", name: "reader" },
    subjects: [
      { kind: "User", name: "jane" },
      { kind: "ServiceAccount", namespace: "a", name: "b" },
    ],
  }),
  made("poddisruptionbudget", "spare", "poddisruptionbudget spare --selector=app=web --min-available=50%", {
    spec: { minAvailable: "50%", selector: { matchLabels: { app: "web" } } },
  }),
  made("serviceaccount", "robot", "serviceaccount robot", { metadata: { name: "robot" } }),
];

/** Of the whole cluster, so that their names carry the namespace's. */
const clusterWide = (one: string): readonly Generated[] => [
  made("clusterrole", `${one}-role`, `clusterrole ${one}-role --verb=get --non-resource-url=/logs/*`, {
    rules: [{ verbs: ["get"], nonResourceURLs: ["/logs/*"] }],
  }),
  made("clusterrolebinding", `${one}-bound`, `clusterrolebinding ${one}-bound --clusterrole=view --group=people`, {
    subjects: [{ kind: "Group", name: "people" }],
  }),
  made("priorityclass", `${one}-high`, `priorityclass ${one}-high --value=1000 --description=d`, {
    value: 1000,
    description: "d",
    preemptionPolicy: "PreemptLowerPriority",
  }),
  made("namespace", `${one}-space`, `namespace ${one}-space`, {
    spec: { finalizers: ["kubernetes"] },
    status: { phase: "Active" },
  }),
];

async function generate(cluster: Case, { kind, name, args, is }: Generated): Promise<void> {
  // A space within an argument was written as a no-break space.
  const said = await cluster.run(...args.map((word) => word.replaceAll("\u00a0", " ")));
  expect(said).toMatch(new RegExp(`/${name} created$`));
  expect(await cluster.object(kind, name)).toMatchObject(is);
}

onEachStore((cluster) => {
  it.concurrent.each(generators.map((one) => [one.args.slice(0, 3).join(" "), one] as const))("%s", async (_, one) => {
    await generate(await cluster.namespace(), one);
  });

  it.concurrent("makes what is of the whole cluster", async () => {
    const one = await cluster.namespace();
    for (const wide of clusterWide(one.name)) await generate(one, wide);
  });

  it.concurrent("makes ConfigMaps and Secrets of files, directories and lists of variables", async () => {
    const one = await cluster.namespace();
    one.file("dir/a.txt", "one\n");
    one.file("dir/b.bin", "\u0000two");
    one.file("vars", "# said\nA=1\nB=two words\n");
    await one.run("create", "configmap", "dir", `--from-file=${one.folder}/dir`);
    expect(await one.object("cm", "dir")).toMatchObject({
      data: { "a.txt": "one\n", "b.bin": "\u0000two" },
    });
    await one.run("create", "configmap", "file", `--from-file=key=${one.folder}/dir/a.txt`);
    expect((await one.object("cm", "file")).data).toEqual({ key: "one\n" });
    await one.run("create", "secret", "generic", "vars", `--from-env-file=${one.folder}/vars`);
    expect((await one.object("secret", "vars")).data).toEqual({ A: base64("1"), B: base64("two words") });
  });

  it.concurrent("makes a Secret of a certificate and its key", async () => {
    const one = await cluster.namespace();
    const { certificate, key } = await cluster.api.pki.certificate("web", {
      commonName: "web",
      organizations: [],
      usage: "server",
      names: { dns: ["web"], ip: [] },
    });
    const files = [`--cert=${one.file("crt", certificate)}`, `--key=${one.file("key", key)}`];
    await one.run("create", "secret", "tls", "web", ...files);
    const secret = await one.object("secret", "web");
    expect([secret.type, Object.keys(secret.data).sort()]).toEqual(["kubernetes.io/tls", ["tls.crt", "tls.key"]]);
  });

  it.concurrent("makes a Job from a CronJob, which owns it", async () => {
    const one = await cluster.namespace();
    await one.run("create", "cronjob", "often", "--image=app:1", "--schedule=0 0 * * *", "--", "date");
    expect(await one.run("create", "job", "now", "--from=cronjob/often")).toBe("job.batch/now created");
    const job = await one.object("job", "now");
    expect(job.metadata.ownerReferences).toMatchObject([{ kind: "CronJob", name: "often", controller: true }]);
    expect(job.metadata.annotations).toEqual({ "cronjob.kubernetes.io/instantiate": "manual" });
  });

  it.concurrent("makes a token, which says who has it", async () => {
    const one = await cluster.namespace();
    const token = await one.run("create", "token", "default", "--duration=600s", "--audience=a", "--audience=b");
    const claims = JSON.parse(Buffer.from(token.split(".")[1]!, "base64url").toString());
    expect(claims).toMatchObject({ aud: ["a", "b"], sub: `system:serviceaccount:${one.name}:default` });
    expect(claims.exp - claims.iat).toBe(600);
  });

  it.concurrent(
    "makes what files, a directory, standard input and --edit say, and says what it would make",
    async () => {
      const one = await cluster.namespace();
      const map = (name: string) => ({ apiVersion: "v1", kind: "ConfigMap", metadata: { name }, data: { a: "1" } });
      one.file("dir/one.json", map("one"));
      one.file("dir/more.yaml", `---\n${JSON.stringify(map("two"))}\n---\n${JSON.stringify(map("three"))}\n`);
      const said = await one.run("create", "-f", `${one.folder}/dir`);
      expect(said.split("\n").sort()).toEqual(["one", "three", "two"].map((name) => `configmap/${name} created`));
      expect(await one.runWith({ input: map("four") }, "create", "-f", "-")).toBe("configmap/four created");
      const env = { KUBE_EDITOR: "sed -i s/five/six/" };
      const edited = await one.runWith({ env }, "create", "--edit", "-f", one.file("five.json", map("five")));
      expect(edited).toBe("configmap/six created");
      const dry = await one.run("create", "configmap", "dry", "--dry-run=server", "-o", "name");
      expect(dry).toBe("configmap/dry");
      expect(await one.refused("get", "configmap", "dry")).toContain('configmaps "dry" not found');
      expect(await one.refused("create", "-f", `${one.folder}/dir/one.json`)).toContain(
        "Error from server (AlreadyExists): error when creating",
      );
      expect(
        await one.refused("create", "--validate=strict", "-f", one.file("wrong", { ...map("w"), extra: 1 })),
      ).toContain('unknown field "extra"');
    },
  );

  it.concurrent("runs a pod and exposes it", async () => {
    const one = await cluster.namespace();
    const run = ["--image=app:1", "--port=80", "--labels=app=web", "--env=A=1", "--expose"];
    expect((await one.run("run", "web", ...run)).split("\n")).toEqual(["service/web created", "pod/web created"]);
    expect(await one.object("pod", "web")).toMatchObject({
      metadata: { labels: { app: "web" } },
      spec: {
        containers: [{ name: "web", image: "app:1", env: [{ name: "A", value: "1" }] }],
        restartPolicy: "Always",
      },
    });
    const exposed = await one.run("expose", "pod", "web", "--name=other", "--port=8080", "--target-port=80");
    expect(exposed).toBe("service/other exposed");
    expect((await one.object("service", "other")).spec).toMatchObject({
      selector: { app: "web" },
      ports: [{ port: 8080, targetPort: 80 }],
    });
    await one.run("create", "deployment", "back", "--image=app:1", "--port=80");
    for (const type of ["ClusterIP", "NodePort", "LoadBalancer"]) {
      const name = `back-${type.toLowerCase()}`;
      await one.run("expose", "deployment/back", `--name=${name}`, `--type=${type}`);
      expect((await one.object("service", name)).spec).toMatchObject({ type, selector: { app: "back" } });
    }
  });

  it.concurrent("makes an autoscaler of a Deployment", async () => {
    const one = await cluster.namespace();
    await one.run("create", "deployment", "web", "--image=app:1");
    const said = await one.run("autoscale", "deployment/web", "--min=2", "--max=5", "--cpu-percent=70");
    expect(said).toBe("horizontalpodautoscaler.autoscaling/web autoscaled");
    expect((await one.object("hpa", "web")).spec).toMatchObject({
      scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "web" },
      minReplicas: 2,
      maxReplicas: 5,
      metrics: [{ type: "Resource", resource: { name: "cpu", target: { averageUtilization: 70 } } }],
    });
    expect((await one.object("horizontalpodautoscalers.v1.autoscaling", "web")).spec).toMatchObject({
      targetCPUUtilizationPercentage: 70,
    });
  });

  it.concurrent("is done by kubectl 1.20 too", async () => {
    const one = await cluster.namespace();
    expect(await one.old("create", "deployment", "old", "--image=app:1")).toBe("deployment.apps/old created");
    expect(await one.old("get", "deployment", "old")).toMatch(/^NAME +READY +UP-TO-DATE +AVAILABLE +AGE\nold +0\/1 /);
    expect(await one.old("delete", "deployment", "old")).toBe('deployment.apps "old" deleted');
    await one.old("run", "web", "--image=app:1", "--port=80");
    expect(await one.old("get", "pod", "web", "-o", "jsonpath={.spec.containers[0].image}")).toBe("app:1");
    expect(await one.old("expose", "pod", "web")).toBe("service/web exposed");
    expect(await one.old("delete", "--now", "pod/web", "service/web")).toBe('pod "web" deleted\nservice "web" deleted');
  });
});

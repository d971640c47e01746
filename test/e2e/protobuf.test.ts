/**
 * kubectl's own bytes: what `kubectl create` sends as protobuf is kept as what the same object sent
 * as JSON is. Needs a kubectl whose typed clients send protobuf (1.32 and later).
 */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it, type TestContext } from "vitest";
import { jsonResponse, type ApiResponse, type RequestContext } from "../../src/controlplane/apiserver/context.ts";
import { decodedBody } from "../../src/controlplane/apiserver/request/body.ts";
import type { ApiObject } from "../../src/controlplane/apiserver/resources/resource.ts";
import type { Endpoint } from "../../src/controlplane/apiserver/verbs/endpoint.ts";
import { partHandlers } from "../../src/controlplane/apiserver/subresources/parts.ts";
import { startServer, type RunningServer } from "../fixtures/api_server.ts";

const run = promisify(execFile);
let api: RunningServer;
let missing: string | undefined;
const tokenRequests: unknown[] = [];

/** Answers a request for a token with what was asked. */
async function giveToken(_endpoint: Endpoint, context: RequestContext): Promise<ApiResponse> {
  const request = (await decodedBody(context)) as object;
  tokenRequests.push(request);
  return jsonResponse(201, { ...request, status: { token: "t", expirationTimestamp: "2030-01-01T00:00:00Z" } });
}

beforeAll(async () => {
  missing = await whyNoKubectl();
  api = await startServer({
    subresources: new Map([["serviceaccounts/token", { create: giveToken }], ...partHandlers]),
  });
});
afterAll(async () => {
  expect(api.internalErrors).toEqual([]);
  await api.stop();
});

async function whyNoKubectl(): Promise<string | undefined> {
  try {
    const { stdout } = await run("kubectl", ["version", "--client", "-o", "json"]);
    const { clientVersion } = JSON.parse(stdout) as { clientVersion: { gitVersion: string } };
    const minor = Number(/^v1\.(\d+)/.exec(clientVersion.gitVersion)?.[1]);
    return minor >= 32 ? undefined : `kubectl ${clientVersion.gitVersion} sends JSON`;
  } catch (cause) {
    return `kubectl is not there: ${(cause as Error).message}`;
  }
}

/** Runs kubectl against the server. @returns what it printed; its log, with the headers it sent, in `log` */
async function kubectl(args: readonly string[]): Promise<{ output: string; log: string }> {
  const where = ["-s", api.url, "--kubeconfig", "/dev/null", "-v", "8"];
  const { stdout, stderr } = await run("kubectl", [...where, ...args], { timeout: 60_000 });
  return { output: stdout, log: stderr };
}

const core = "/api/v1/namespaces/default";
const apis = (group: string) => `/apis/${group}/v1/namespaces/default`;
const rbac = "rbac.authorization.k8s.io";

/** Where the object is kept, and what makes it. A word with a space is one argument in quotes. */
const commands: readonly (readonly [collection: string, command: string])[] = [
  [`${core}/configmaps`, "configmap cm --from-literal=key=value --from-literal=empty= --from-literal=word=né"],
  [`${core}/secrets`, "secret generic s --from-literal=password=p%s --type=example.com/t"],
  [`${core}/secrets`, "secret docker-registry d --docker-server=r --docker-username=u --docker-password=p"],
  [`${core}/services`, "service clusterip ci --tcp=80:8080 --tcp=443:https"],
  [`${core}/services`, "service clusterip headless --clusterip=None"],
  [`${core}/services`, "service nodeport np --tcp=80:8080 --node-port=30080"],
  [`${core}/services`, "service loadbalancer lb --tcp=5432:5432"],
  [`${core}/services`, "service externalname en --external-name=example.com"],
  [`${core}/serviceaccounts`, "serviceaccount sa"],
  [`${core}/resourcequotas`, "quota q --hard=cpu=1500m,memory=1Gi,pods=2 --scopes=NotTerminating"],
  ["/api/v1/namespaces", "namespace ns"],
  [`${apis("apps")}/deployments`, "deployment web --image=nginx:1 --image=busybox --replicas=2"],
  [`${apis("apps")}/deployments`, "deployment none --image=nginx --replicas=0 --port=80"],
  [`${apis("batch")}/jobs`, "job j --image=busybox -- sh -c 'echo hi'"],
  [`${apis("batch")}/cronjobs`, "cronjob cj --image=busybox --schedule='*/5 * * * *' --restart=Never -- date"],
  [`${apis(rbac)}/roles`, "role r --verb=get --verb=list --resource=pods --resource-name=one"],
  [`${apis(rbac)}/rolebindings`, "rolebinding rb --clusterrole=view --user=u --group=g --serviceaccount=default:sa"],
  [`/apis/${rbac}/v1/clusterroles`, "clusterrole cr --verb=get --non-resource-url=/metrics"],
  [`/apis/${rbac}/v1/clusterroles`, "clusterrole agg --aggregation-rule=rbac.example.com/a=true"],
  [`/apis/${rbac}/v1/clusterrolebindings`, "clusterrolebinding crb --clusterrole=cr --user=u --serviceaccount=a:b"],
  [
    `${apis("networking.k8s.io")}/ingresses`,
    "ingress i --class=c --rule=a.example/p*=svc:80,tls=t --rule=/=svc:http --default-backend=b:http --annotation=a=b",
  ],
  [`${apis("policy")}/poddisruptionbudgets`, "poddisruptionbudget half --selector=app=web --min-available=50%"],
  [`${apis("policy")}/poddisruptionbudgets`, "poddisruptionbudget none --selector=app=web --max-unavailable=0"],
  ["/apis/scheduling.k8s.io/v1/priorityclasses", "priorityclass high --value=1000 --description='for the web'"],
  ["/apis/scheduling.k8s.io/v1/priorityclasses", "priorityclass zero --value=0 --preemption-policy=Never"],
];

/** `a 'b c'` → a, b c */
function wordsOf(command: string): string[] {
  return command.match(/(?:[^\s']|'[^']*')+/g)!.map((word) => word.replaceAll("'", ""));
}

/** Flags go before `--`, behind which a container's command begins. */
function withFlags(command: string, ...flags: readonly string[]): string[] {
  const words = wordsOf(command);
  const end = words.includes("--") ? words.indexOf("--") : words.length;
  return ["create", ...words.slice(0, end), ...flags, ...words.slice(end)];
}

/** Without what the server makes, and without Go's nulls. */
function essence(object: ApiObject): unknown {
  const { uid, resourceVersion, creationTimestamp, managedFields, ...metadata } = object.metadata;
  expect([uid, resourceVersion, creationTimestamp]).not.toContain(undefined);
  expect(managedFields ?? []).toBeInstanceOf(Array);
  // A Job's labels and selector have the uid too.
  const text = JSON.stringify({ ...object, metadata }).replaceAll(uid ?? "", "<uid>");
  return withoutNulls(JSON.parse(text));
}

function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).filter(([, inner]) => inner !== null);
  return Object.fromEntries(entries.map(([name, inner]) => [name, withoutNulls(inner)]));
}

function skipWithoutKubectl(context: TestContext): void {
  if (missing !== undefined) context.skip(missing);
}

/** Creates with a request, reads what is kept, and makes room for the next. */
async function keptAfter(collection: string, name: string, create: () => Promise<unknown>): Promise<ApiObject> {
  await create();
  const { code, body } = await api.request("GET", `${collection}/${name}`);
  expect(code, JSON.stringify(body)).toBe(200);
  // In the background: a Job would stay for what it might leave behind.
  await api.request("DELETE", `${collection}/${name}?gracePeriodSeconds=0&propagationPolicy=Background`);
  await removeFinalizers(`${collection}/${name}`);
  return body as ApiObject;
}

/** A namespace goes when it is finalized. */
async function removeFinalizers(path: string): Promise<void> {
  const { code, body } = await api.request("GET", path);
  if (code === 404) return;
  const namespace = { ...(body as ApiObject), spec: { finalizers: [] } };
  expect(await api.request("PUT", `${path}/finalize`, namespace)).toMatchObject({ code: 200 });
}

const protobufSent = /Content-Type: application\/vnd\.kubernetes\.protobuf/i;

describe("kubectl create", () => {
  it.for(commands)("%s: %s", async ([collection, command], context) => {
    skipWithoutKubectl(context);
    const { output } = await kubectl(withFlags(command, "--dry-run=client", "-o", "json"));
    const { status: _status, ...printed } = JSON.parse(output) as ApiObject;
    const { name } = printed.metadata;

    const fromProtobuf = await keptAfter(collection, name!, async () => {
      const { log } = await kubectl(withFlags(command, "--validate=false"));
      expect(log).toMatch(protobufSent);
    });
    const fromJson = await keptAfter(collection, name!, () => api.request("POST", collection, printed));
    expect(essence(fromProtobuf)).toEqual(essence(fromJson));
    expect(fromProtobuf).toMatchObject(withoutNulls(printed) as object);
  });

  it("token: the request's kind is read too", async (context) => {
    skipWithoutKubectl(context);
    await kubectl(["create", "serviceaccount", "builder"]);
    const { output, log } = await kubectl([
      ..."create token builder --audience=a --audience=b --duration=20m".split(" "),
      ..."--bound-object-kind=Secret --bound-object-name=s --bound-object-uid=u".split(" "),
    ]);
    expect(log).toMatch(protobufSent);
    expect(output.trim()).toBe("t");
    expect(tokenRequests).toEqual([
      {
        apiVersion: "authentication.k8s.io/v1",
        kind: "TokenRequest",
        metadata: {},
        spec: {
          audiences: ["a", "b"],
          expirationSeconds: 1200,
          boundObjectRef: { kind: "Secret", apiVersion: "v1", name: "s", uid: "u" },
        },
        status: { token: "" },
      },
    ]);
  });
});

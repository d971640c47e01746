/** Static pods: what a text becomes, and where texts come from. */
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import { mkdtempSync, renameSync, rmSync, unlinkSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { FileSource } from "../../../src/kubelet/static/file_source.ts";
import { podOfFile, podsOfUrl } from "../../../src/kubelet/static/manifest.ts";
import { UrlSource } from "../../../src/kubelet/static/url_source.ts";
import type { Pod } from "../../../src/model/kubernetes.ts";
import { systemClock } from "../../../src/reconcile/clock.ts";
import { eventually } from "../../fixtures/eventually.ts";

const origin = { kind: "file" as const, place: "/etc/pods/web.yaml", nodeName: "node-1", seen: "2026-01-01T00:00:00Z" };
const text = `apiVersion: v1
kind: Pod
metadata:
  name: web
spec:
  containers:
  - name: c
    image: web:1
    unknown: ignored
    resources: {requests: {cpu: 100m}}
  volumes:
  - {name: v, hostPath: {path: /etc}}
  - {name: mode, emptyDir: {}}
`;

describe("a manifest", () => {
  it("becomes a pod with its defaults, its node, and a name and uid of its own", () => {
    const pod = podOfFile(text, origin);
    expect(pod.metadata).toEqual({
      name: "web-node-1",
      namespace: "default",
      uid: expect.stringMatching(/^[0-9a-f]{32}$/) as string,
      annotations: {
        "kubernetes.io/config.hash": pod.metadata.uid,
        "kubernetes.io/config.seen": origin.seen,
        "kubernetes.io/config.source": "file",
      },
    });
    expect(pod.spec).toMatchObject({
      nodeName: "node-1",
      restartPolicy: "Always",
      dnsPolicy: "ClusterFirst",
      terminationGracePeriodSeconds: 30,
      tolerations: [{ operator: "Exists", effect: "NoExecute" }],
    });
    expect(pod.spec.containers[0]).toMatchObject({ imagePullPolicy: "IfNotPresent", terminationMessagePolicy: "File" });
    expect(pod.spec.containers[0]).not.toHaveProperty("unknown");
    expect(pod.status).toEqual({ phase: "Pending", qosClass: "Burstable" });
  });

  it("gives the same uid for the same text, and another for another text, place or node", () => {
    const uid = (of: string, at: object = {}): string => podOfFile(of, { ...origin, ...at }).metadata.uid;
    expect(uid(text, { seen: "2026-02-02T00:00:00Z" })).toBe(uid(text));
    const others = [uid(text.replace("web:1", "web:2")), uid(text, { place: "/b" }), uid(text, { nodeName: "n2" })];
    expect(new Set([uid(text), ...others]).size).toBe(4);
    expect(uid(text.replace("name: web\n", "name: web\n  uid: mine\n"))).toBe("mine");
  });

  it.each([
    ["kind: Pod", 'invalid pod: apiVersion undefined, kind "Pod"'],
    ["", "it is empty"],
    ["just words", "Object 'Kind' is missing"],
    ["apiVersion: v1\nkind: Pod\nspec: {}", "invalid pod: name is needed for the pod"],
    [text.replace("- name: c", "- name: C_C"), "spec.containers[0].name"],
    [text.replace("web:1", "[1]"), "cannot unmarshal"],
    [text.replace("hostPath: {path: /etc}", "configMap: {name: c}"), "static pods may not reference configmaps"],
    [text.replace("hostPath: {path: /etc}", "secret: {secretName: c}"), "static pods may not reference secrets"],
    [
      text.replace("hostPath: {path: /etc}", "persistentVolumeClaim: {claimName: c}"),
      "static pods may not reference persistentvolumeclaims",
    ],
    [text.replace("spec:", "spec:\n  serviceAccountName: s"), "static pods may not reference serviceaccounts"],
  ])("that is no pod is refused with its file's name: %j", (bad, why) => {
    expect(() => podOfFile(bad, origin)).toThrow("/etc/pods/web.yaml: couldn't parse as pod(");
    expect(() => podOfFile(bad, origin)).toThrow(why);
  });

  it("of a URL may be a list, whose pods tolerate what they say themselves", () => {
    const one = (name: string): object => ({ metadata: { name }, spec: { containers: [{ name: "c", image: "i" }] } });
    const list = JSON.stringify({ apiVersion: "v1", kind: "PodList", items: [one("a"), one("b")] });
    const pods = podsOfUrl(list, { ...origin, kind: "http", place: "http://x" });
    expect(pods.map(({ metadata }) => metadata.name)).toEqual(["a-node-1", "b-node-1"]);
    expect(pods[0]!.spec.tolerations).toBeUndefined();
    expect(pods[0]!.metadata.annotations?.["kubernetes.io/config.source"]).toBe("http");
  });
});

const names = (pods: readonly Pod[] | undefined): string[] | undefined => pods?.map(({ metadata }) => metadata.name);

describe("a folder", () => {
  let folder: string;
  let source: FileSource | undefined;
  let pods: readonly Pod[] | undefined;
  let told: string[];

  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), "fairlead-static-"));
    pods = undefined;
    told = [];
  });
  afterEach(() => {
    source?.stop();
    rmSync(folder, { recursive: true, force: true });
  });
  const follow = (place: string, periodMs = 600_000): void => {
    const onPods = (now: readonly Pod[]): void => void (pods = now);
    const onError = (_: string, error: unknown): void => void told.push((error as Error).message);
    source = new FileSource(place, { nodeName: "n", clock: systemClock, periodMs, onPods, onError });
    source.start();
  };

  it("is followed by inotify alone, without what hides, and a bad file is told once and keeps none from running", async () => {
    writeFileSync(`${folder}/a.yaml`, text);
    writeFileSync(`${folder}/.hidden`, text);
    writeFileSync(`${folder}/bad`, "no: pod");
    follow(folder);
    await eventually("the first look", () => pods !== undefined);
    expect(names(pods)).toEqual(["web-n"]);
    writeFileSync(`${folder}/b.yaml`, text.replace("name: web", "name: second"));
    await eventually("a new file", () => pods!.length === 2);
    unlinkSync(`${folder}/a.yaml`);
    await eventually("a removed file", () => pods!.length === 1);
    expect(names(pods)).toEqual(["second-n"]);
    expect(told).toHaveLength(1);
    expect(told[0]).toContain(`${folder}/bad: `);
  });

  it("may be one file, which is replaced and comes back", async () => {
    const file = `${folder}/pod.yaml`;
    follow(file, 50);
    await eventually("a look at nothing", () => pods?.length === 0);
    writeFileSync(file, text);
    await eventually("the file", () => names(pods)?.[0] === "web-n");
    for (const name of ["second", "third"]) {
      writeFileSync(`${folder}/new`, text.replace("name: web", `name: ${name}`));
      renameSync(`${folder}/new`, file);
      await eventually(name, () => names(pods)?.[0] === `${name}-n`);
    }
    unlinkSync(file);
    await eventually("its end", () => pods!.length === 0);
    expect(told).toEqual([]);
  });
});

describe("a URL", () => {
  let server: Server;
  let answer: { code: number; body: string };
  let asked: IncomingHttpHeaders[];
  beforeEach(async () => {
    asked = [];
    answer = { code: 200, body: text };
    server = createServer((request, response) => {
      asked.push(request.headers);
      response.writeHead(answer.code).end(answer.body);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  });
  afterEach(() => void server.close());

  it("is asked with its headers, and what it fails with takes nothing away", async () => {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/pods`;
    const seen: (readonly Pod[])[] = [];
    const told: string[] = [];
    const source = new UrlSource(url, {
      nodeName: "n",
      clock: systemClock,
      periodMs: 20,
      headers: { "X-Token": ["a", "b"] },
      onPods: (pods) => void seen.push(pods),
      onError: (_, error) => void told.push((error as Error).message),
    });
    source.start();
    try {
      await eventually("several answers", () => asked.length > 3);
      expect(asked[0]).toMatchObject({ "x-token": "a, b" });
      expect(seen.map(names)).toEqual([["web-n"]]);
      answer = { code: 500, body: "ouch" };
      await eventually("a failure", () => told.length > 0);
      answer = { code: 200, body: "" };
      await eventually("another", () => told.length > 1);
      answer = { code: 200, body: text.replace("name: web", "name: other") };
      await eventually("another pod", () => seen.length > 1);
      expect(seen.map(names)).toEqual([["web-n"], ["other-n"]]);
      expect(told).toEqual([`${url}: 500 Internal Server Error`, `zero-length data received from ${url}`]);
    } finally {
      source.stop();
    }
  });
});

/**
 * `fairlead up --nodes 3`: three nodes on one machine, with the real kubectl and real traffic between all of them; and
 * `fairlead node join`: a fourth one elsewhere.
 */
import { existsSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually } from "../fixtures/eventually.ts";
import { Machine } from "../fixtures/machine.ts";
import { echo, UpCluster, type Finished } from "../fixtures/up_cluster.ts";
import { nodeLossCases, noticedEarly } from "./up/node_loss.ts";

const names = ["up-1", "up-1-2", "up-1-3"] as const;
const [, second, third] = names;
/** What `npm test` leaves to `npm run test:long`: no skipped test, but none. */
const itLong = process.env["FAIRLEAD_LONG"] === "1" ? it : (): void => undefined;
const cluster = new UpCluster();
let before: Awaited<ReturnType<UpCluster["traces"]>>;
let first: Finished;

interface Part {
  readonly name: string;
  readonly node?: string;
  readonly netns?: string;
  readonly process?: { readonly pid: number };
}
const parts = async (): Promise<readonly Part[]> =>
  JSON.parse((await cluster.fairlead("status", "--json")).stdout).parts;
const netnsOf = async (node: string): Promise<string> => (await parts()).find((part) => part.node === node)!.netns!;
const jsonpath = (what: string, path: string): Promise<string> =>
  cluster.run(["get", ...what.split(" "), "-o", `jsonpath=${path}`]);
const readyNodes = async (): Promise<readonly string[]> => {
  const text = await jsonpath(
    "nodes",
    '{range .items[*]}{.metadata.name} {.status.conditions[?(@.type=="Ready")].status}{"\\n"}{end}',
  );
  return text
    .split("\n")
    .filter((line) => line.endsWith(" True"))
    .map((line) => line.split(" ")[0]!);
};
interface Pod {
  readonly name: string;
  readonly ip: string;
  readonly node: string;
}
const pods = async (): Promise<readonly Pod[]> => {
  const text = await jsonpath(
    "pods -l app=web",
    '{range .items[*]}{.metadata.name} {.status.podIP} {.spec.nodeName}{"\\n"}{end}',
  );
  return text
    .split("\n")
    .filter(Boolean)
    .map((line) => {
      const [name = "", ip = "", node = ""] = line.split(" ");
      return { name, ip, node };
    });
};
/** How many answer of three, each request on a connection of its own. */
const answering = async (ask: () => Promise<string>): Promise<number> => {
  const said = new Set<string>();
  for (let i = 0; i < 60 && said.size < 3; i++) said.add((await ask()).split(",")[0]!);
  return said.size;
};

beforeAll(async () => {
  before = await cluster.traces();
  first = await cluster.up("--nodes", "3", ...noticedEarly);
}, 250_000);

afterAll(() => cluster.stop(), 120_000);

describe("three nodes on one machine", () => {
  it("are Ready, each with an agent and a containerd of its own", async () => {
    expect(first).toMatchObject({ code: 0, stderr: "" });
    expect(await readyNodes()).toEqual(names);
    const further = (await parts()).filter(({ node }) => node !== undefined);
    expect(further.map(({ name, node }) => `${node} ${name}`)).toEqual([
      ...[`${second} containerd`, `${second} node`, `${third} containerd`, `${third} node`],
    ]);
    expect(new Set((await parts()).map((part) => part.process?.pid)).size).toBe(7);
    const users = await jsonpath("csr", "{.items[*].spec.username}");
    expect(users).toMatch(/^(system:bootstrap:[a-z0-9]{6} ?){2}$/);
  });

  it("have pods that reach one another, by address, by Service and by name", async () => {
    await cluster.run(["apply", "-f", "-"], web);
    await cluster.run(["rollout", "status", "daemonset/web", "--timeout=60s"]);
    const all = await pods();
    expect(all.map(({ node }) => node).sort()).toEqual(names);
    for (const from of all) {
      const get = (host: string, port: string): Promise<string> =>
        cluster.run(["exec", from.name, "--", "/echo", "get", host, port]);
      for (const to of all) expect(await get(to.ip, "8080")).toMatch(new RegExp(`^hello from ${to.name},`));
      await eventually(`the Service's name from ${from.node}`, () => get("web", "80").catch(() => false), 20_000);
    }
  });

  it("serve Services to the machine, to themselves, and by the address of each", async () => {
    const address = await jsonpath("service web", "{.spec.clusterIP}");
    const port = await jsonpath("service web", "{.spec.ports[0].nodePort}");
    expect(await answering(() => cluster.ask(address, "80"))).toBe(3);
    for (const node of [second, third]) {
      const netns = await netnsOf(node);
      expect(await answering(() => cluster.at(netns, echo, "get", address, "80"))).toBe(3);
      const own = await jsonpath(`node ${node}`, '{.status.addresses[?(@.type=="InternalIP")].address}');
      expect(await answering(() => cluster.ask(own, port))).toBe(3);
    }
  });

  it("come back when kubectl has deleted them, for they are there", async () => {
    const uid = (): Promise<string> => jsonpath(`node ${second} --ignore-not-found`, "{.metadata.uid}");
    const old = await uid();
    await cluster.run(["delete", "node", second]);
    await eventually("another Node", async () => !["", old].includes(await uid()), 20_000);
    await eventually("its health", async () => (await readyNodes()).includes(second), 20_000);
  });
});

nodeLossCases(cluster, names, async (node) => (await parts()).filter((part) => part.node === node));

describe("another machine", () => {
  const machine = new Machine("172.31.8");
  const dataDir = path.join(cluster.folder, "machine");
  const here = (command: string, ...args: string[]): Promise<Finished> =>
    machine.fairlead(command, "--data-dir", dataDir, ...args);
  let created: { readonly token: string; readonly hashes: readonly string[]; readonly command: string };

  beforeAll(() => machine.linkTo(cluster.netns));
  afterAll(() => machine.stop(dataDir));

  it("is invited by a command as kubeadm's, with a token that the cluster lists", async () => {
    created = JSON.parse((await cluster.fairlead("token create", "--json", "--ttl", "1h")).stdout);
    expect(created.token).toMatch(/^[a-z0-9]{6}\.[a-z0-9]{16}$/);
    expect(created.command).toBe(
      `fairlead node join ${UpCluster.nodeIp}:6443 --token ${created.token} --discovery-token-ca-cert-hash ${created.hashes[0]}`,
    );
    expect((await cluster.fairlead("token list")).stdout).toContain(created.token);
  });

  it("joins nothing by another token, or where the authority is another's", async () => {
    const [, , , address = ""] = created.command.split(" ");
    const other = created.token.replace(/.$/, (last) => (last === "a" ? "b" : "a"));
    const join = (token: string, hash: string): Promise<Finished> =>
      here("node join", address, "--token", token, "--discovery-token-ca-cert-hash", hash);
    expect(await join(other, created.hashes[0]!)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("not signed by this token"),
    });
    const hash = `sha256:${"0".repeat(64)}`;
    expect(await join(created.token, hash)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("--discovery-token-ca-cert-hash does not name"),
    });
  });

  it("joins by it, and runs pods that the others reach", async () => {
    const [, , , ...args] = created.command.split(" ");
    expect(await here("node join", ...args, "--detach", "--json", "--node-name", "other")).toMatchObject({
      code: 0,
      stderr: "",
    });
    expect(await readyNodes()).toContain("other");
    await cluster.run(["rollout", "status", "daemonset/web", "--timeout=60s"]);
    const pod = (await pods()).find(({ node }) => node === "other")!;
    expect(await cluster.ask(pod.ip, "8080")).toContain(pod.name);
    const ask = (): Promise<string> => cluster.run(["exec", pod.name, "--", "/echo", "get", "web", "80"]);
    // The new node learns of the others' pods by a watch, as they do of its own.
    const said = await eventually("an answer to it", () => ask().catch(() => false as const), 20_000);
    expect(said).toMatch(/^hello from web-/);
    expect(await here("status")).toMatchObject({ code: 0, stdout: expect.stringMatching(/^✓ node other +Ready/m) });
  });

  itLong("joins again without a token, as the node that it was", async () => {
    expect(await here("down")).toMatchObject({ code: 0, stderr: "" });
    expect(await here("node join", `${UpCluster.nodeIp}:6443`, "--detach", "--node-name", "other")).toMatchObject({
      code: 0,
    });
    expect(await here("down", "--purge")).toMatchObject({ code: 0, stderr: "" });
    expect(existsSync(dataDir)).toBe(false);
    expect(await machine.traces()).toEqual([]);
    await cluster.fairlead("token delete", created.token.slice(0, 6));
    expect((await cluster.fairlead("token list")).stdout).not.toContain(created.token);
    await cluster.run(["delete", "node", "other"]);
  });
});

describe("the end", () => {
  it("becomes fewer nodes, and leaves nothing when all is taken down", async () => {
    expect(await cluster.up("--nodes", "2")).toMatchObject({ code: 0, stderr: "" });
    expect(await readyNodes()).toEqual(expect.arrayContaining([names[0], second]));
    expect(await readyNodes()).not.toContain(third);
    expect(await cluster.fairlead("down", "--purge", "--json")).toMatchObject({ code: 0, stderr: "" });
    expect(await cluster.traces()).toEqual(before);
    expect(existsSync(cluster.dataDir)).toBe(false);
  });
});

const container = {
  name: "echo",
  image: "localhost/fairlead/echo:v1",
  readinessProbe: { httpGet: { path: "/", port: 8080 }, periodSeconds: 1 },
};
const labels = { app: "web" };
const template = { metadata: { labels }, spec: { terminationGracePeriodSeconds: 1, containers: [container] } };
const web = {
  apiVersion: "v1",
  kind: "List",
  items: [
    {
      apiVersion: "apps/v1",
      kind: "DaemonSet",
      metadata: { name: "web" },
      spec: { selector: { matchLabels: labels }, template },
    },
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "web" },
      spec: { type: "NodePort", selector: labels, ports: [{ port: 80, targetPort: 8080 }] },
    },
  ],
};

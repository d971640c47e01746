/** `fairlead network` as its users start it: with the rights of docs/deploy/network.yaml, in a node's network namespace. */
import { spawn, type ChildProcess } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { probe } from "../../src/kernel/real/probe.ts";
import { native, type NativeNamespace } from "../../src/kernel/native.ts";
import { runPlugin } from "../fixtures/cni_plugin.ts";
import { eventually } from "../fixtures/eventually.ts";
import { environment, launcher } from "../fixtures/fairlead_server.ts";
import { run, uniqueName } from "../fixtures/namespace.ts";

const node = "node-1";
const flags = ["--cluster-cidr", "10.244.0.0/16,fd00:10:244::/48", "--disable-scheduler"];
const folder = mkdtempSync(path.join(tmpdir(), "fairlead-network-"));
const file = (name: string): string => path.join(folder, name);
const conflist = file("net.d/10-fairlead.conflist");
const place = `/run/netns/${uniqueName()}`;

interface Process {
  readonly child: ChildProcess;
  readonly exited: Promise<number | NodeJS.Signals>;
  said(message: string): boolean;
  text(): string;
}

let host: NativeNamespace;
let pod: NativeNamespace;
let server: Process;
let agent: Process;

/** The launcher, in the node's namespace. */
function start(args: readonly string[]): Process {
  const child = spawn("nsenter", [`--net=${place}`, launcher, ...args], {
    env: environment,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let text = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (part: Buffer) => (text += part.toString()));
  const exited = new Promise<number | NodeJS.Signals>((resolve) => {
    child.once("close", (code, signal) => resolve(code ?? signal!));
  });
  return { child, exited, text: () => text, said: (message) => text.includes(`"msg":"${message}"`) };
}

async function stop(one: Process | undefined): Promise<number | NodeJS.Signals | undefined> {
  one?.child.kill("SIGTERM");
  return one?.exited;
}

const kubectl = (...args: readonly string[]): Promise<string> =>
  run(host, ["kubectl", "--kubeconfig", file("data/admin.kubeconfig"), "--cache-dir", file("cache"), ...args]);

function startAgent(): Process {
  return start([
    "network",
    ...["--kubeconfig", file("kubeconfig"), "--node-name", node],
    ...["--cni-socket", file("cni.sock"), "--cni-conf-dir", file("net.d"), "--state-dir", file("state")],
  ]);
}

const get = (where: string): Promise<string> =>
  run(host, ["wget", "-qO-", "-T3", "-t1", `http://127.0.0.1:10245${where}`]);

/** Calls the plugin with the configuration that the list makes of it. */
async function cni(verb: string): Promise<{ exitCode: number | null; answer: Record<string, unknown> }> {
  const list = { name: "fairlead", plugins: [{ type: "fairlead-cni", socket: file("cni.sock") }] };
  const { name, plugins } = existsSync(conflist) ? (JSON.parse(readFileSync(conflist, "utf8")) as typeof list) : list;
  const pods = { CNI_CONTAINERID: "pod-1", CNI_IFNAME: "eth0", CNI_NETNS: `/proc/${process.pid}/fd/${pod.fd}` };
  const { exitCode, stdout } = await runPlugin({
    env: { CNI_COMMAND: verb, CNI_PATH: "/opt/cni/bin", ...(verb === "STATUS" ? {} : pods) },
    stdin: JSON.stringify({ ...plugins[0], name, cniVersion: "1.1.0" }),
    namespace: place,
  });
  return { exitCode, answer: stdout === "" ? {} : (JSON.parse(stdout) as Record<string, unknown>) };
}

async function metric(name: string): Promise<string | undefined> {
  const line = (await get("/metrics")).split("\n").find((one) => one.startsWith(`${name} `));
  return line?.slice(name.length + 1);
}

beforeAll(async () => {
  host = await native().createNamedNamespace(place);
  pod = await native().createNamespace();
  await run(pod, ["ip", "link", "set", "lo", "up"]);
  const lines = [
    "link set lo up",
    "link add eth0 type veth peer name far",
    "link set far up",
    "link set eth0 up",
    "addr add 172.18.0.1/24 dev eth0",
    "addr add fd00:172:18::1/64 dev eth0 nodad",
  ];
  await run(host, ["ip", "-batch", "-"], { stdin: `${lines.join("\n")}\n` });
  server = start(["server", "--data-dir", file("data"), "--bind-address", "127.0.0.1", ...flags]);
  await eventually("the server", () => server.said("serving"), 60_000).catch((error: unknown) => {
    throw new Error(server.text(), { cause: error });
  });
  await kubectl("apply", "-f", path.resolve("docs/deploy/network.yaml"));
  const token = (await kubectl("create", "token", "-n", "kube-system", "fairlead-network")).trim();
  const admin = JSON.parse(await kubectl("config", "view", "--raw", "-o", "json")) as {
    users: { name: string; user: object }[];
  };
  admin.users[0]!.user = { token };
  writeFileSync(file("kubeconfig"), JSON.stringify(admin), { mode: 0o600 });
});

afterAll(async () => {
  await stop(agent);
  await stop(server);
  pod?.close();
  host?.close();
  await native().deleteNamedNamespace(place);
  rmSync(folder, { recursive: true, force: true });
});

describe("fairlead network", () => {
  it("says that there is no network while there is none", async () => {
    agent = startAgent();
    await eventually("the agent", () => agent.said("starting"), 60_000);
    expect(existsSync(conflist)).toBe(false);
    // wget: "Server issued an error response."
    await expect(get("/readyz")).rejects.toThrow("status 8");
    expect(await get("/healthz")).toBe("ok");
    expect(await cni("STATUS")).toMatchObject({ exitCode: 1, answer: { code: 50 } });
    expect(await cni("ADD")).toMatchObject({ exitCode: 1, answer: { code: 11 } });
    expect(await metric("fairlead_network_ready")).toBe("0");
  });

  it("announces the network when its Node has a range of addresses, and tells others of it", async () => {
    const addresses = ["172.18.0.1", "fd00:172:18::1"].map((address) => ({ type: "InternalIP", address }));
    writeFileSync(file("node.json"), JSON.stringify({ apiVersion: "v1", kind: "Node", metadata: { name: node } }));
    await kubectl("create", "-f", file("node.json"));
    await kubectl("patch", "node", node, "--subresource=status", "-p", JSON.stringify({ status: { addresses } }));
    await eventually("the configuration list", () => existsSync(conflist), 20_000).catch((error: unknown) => {
      throw new Error(agent.text(), { cause: error });
    });
    expect(await get("/readyz")).toBe("ok");
    expect(await cni("STATUS")).toEqual({ exitCode: 0, answer: {} });
    const annotations = await eventually("the annotations", async () => {
      const text = await kubectl("get", "node", node, "-o", "jsonpath={.metadata.annotations}");
      return text.includes("backend-v6-data") && text;
    });
    expect(JSON.parse(annotations)).toMatchObject({
      "flannel.alpha.coreos.com/backend-type": "vxlan",
      "flannel.alpha.coreos.com/public-ip": "172.18.0.1",
    });
  });

  it("gives a pod addresses of the node's ranges, and counts", async () => {
    const { exitCode, answer } = await cni("ADD");
    expect(exitCode, JSON.stringify(answer)).toBe(0);
    const ips = (answer["ips"] as { address: string }[]).map(({ address }) => address);
    expect(ips).toEqual([expect.stringMatching(/^10\.244\.\d+\.\d+\//), expect.stringMatching(/^fd00:10:244:/)]);
    await run(host, ["busybox", "ping", "-c1", "-W2", ips[0]!.split("/")[0]!]);
    expect(await metric("fairlead_network_addresses_in_use")).toBe("2");
    expect(await metric('fairlead_cni_operation_duration_seconds_count{verb="ADD"}')).toBe("2");
    expect(await metric('fairlead_cni_operations_total{verb="ADD",outcome="ok"}')).toBe("1");
    expect(await metric('fairlead_cni_operations_total{verb="ADD",outcome="cni 11"}')).toBe("1");
    if ((await probe("tcx")).state === "absent") return;
    // The pod's, and the tunnels of both families. A second after the last change, or a minute after the first look.
    const links = async () => (await metric("fairlead_network_fast_path_links")) === "3";
    await eventually("the fast path", links, 90_000);
    expect(await metric("fairlead_network_fast_path_packets_total")).toBe("0");
  });

  it("leaves pods and network as they are when it ends, and finds them again", async () => {
    const state = async (): Promise<string> =>
      (await run(host, ["ip", "route"])) +
      (await run(host, ["ip", "-br", "link"])) +
      (await run(host, ["nft", "list", "tables"]));
    const before = await state();
    expect(await stop(agent)).toBe(0);
    expect(await state()).toBe(before);
    expect(existsSync(conflist)).toBe(true);
    expect(await cni("STATUS")).toMatchObject({ exitCode: 1, answer: { code: 50 } });
    agent = startAgent();
    await eventually("the agent", async () => agent.said("ready") && (await get("/readyz")) === "ok", 60_000);
    expect(await state()).toBe(before);
    expect(await metric("fairlead_network_addresses_in_use")).toBe("2");
    expect(await cni("DEL")).toEqual({ exitCode: 0, answer: {} });
    expect(await metric("fairlead_network_addresses_in_use")).toBe("0");
  });

  it("leaves nothing when it is cleaned up", async () => {
    expect(await stop(agent)).toBe(0);
    const cleaning = start(["network", "--cleanup", "--cni-conf-dir", file("net.d")]);
    expect(await cleaning.exited, cleaning.text()).toBe(0);
    expect(existsSync(conflist)).toBe(false);
    const links = JSON.parse(await run(host, ["ip", "-j", "link"])) as { ifname: string }[];
    expect(links.map(({ ifname }) => ifname).sort()).toEqual(["eth0", "far", "lo"]);
    expect(await run(host, ["nft", "list", "tables"])).toBe("");
    expect(await run(host, ["ip", "route", "show", "proto", "107"])).toBe("");
  });

  it("takes no wrong configuration", async () => {
    writeFileSync(
      file("config.yaml"),
      "apiVersion: network.config.fairlead.io/v1alpha1\nkind: NetworkConfiguration\noverlay: {vni: 16777216, colour: red}\n",
    );
    const wrong = start(["network", "--config", file("config.yaml"), "--mtu", "20"]);
    expect(await wrong.exited).toBe(1);
    for (const words of [
      "overlay.vni: must be from 0 to 16777215",
      "overlay.colour: unknown field",
      "mtu: must be 0",
    ]) {
      expect(wrong.text()).toContain(words);
    }
  });
});

/**
 * Whatever a client asks of exec, attach, port-forward, logs and proxies, and whatever the kubelet behind answers: there is
 * an answer or an end, soon, nothing is left open, and the server goes on. FAIRLEAD_SEED repeats a run.
 */
import { readdirSync } from "node:fs";
import tls from "node:tls";
import { afterAll, beforeAll, expect, it } from "vitest";
import { adminClient, type AdminClient } from "../fixtures/admin_client.ts";
import { eventually } from "../fixtures/eventually.ts";
import { startFakeKubelet, type FakeKubelet } from "../fixtures/fake_kubelet.ts";
import { seededRandom } from "../fixtures/fuzz/random.ts";
import { streamCase, type StreamCase } from "../fixtures/fuzz/stream_cases.ts";
import { strangeKubelet, strangeWords } from "../fixtures/fuzz/strange_kubelet.ts";
import { startSecureServer, type SecureServer } from "../fixtures/secure_server.ts";
import { seed } from "../fixtures/seed.ts";

const cases = process.env["FAIRLEAD_LONG"] ? 20_000 : 600;
const clients = 24;
/** A client that waits leaves after this time, in ms. */
const patienceMs = 100;
/** In this time there is an answer or an end, in ms. */
const limitMs = 20_000;
/** The server waits longer than a client for a body that does not come. */
const unfinishedMs = 1000;

let api: SecureServer;
let admin: AdminClient;
let kubelet: FakeKubelet;
beforeAll(async () => {
  api = await startSecureServer();
  admin = adminClient(api.api.adminKubeconfig);
  const { certificate: cert, key } = await api.api.pki.certificate("kubelet", {
    commonName: "n0",
    organizations: [],
    usage: "server",
    names: { dns: [], ip: ["127.0.0.1"] },
  });
  kubelet = await startFakeKubelet({ tls: { cert, key }, ...strangeKubelet(seededRandom(seed)) });
  await make("/api/v1/namespaces", { metadata: { name: "fuzz" } });
  const fuzz = "/api/v1/namespaces/fuzz";
  await make(`${fuzz}/serviceaccounts`, { metadata: { name: "default" } });
  await make(`${fuzz}/configmaps`, { metadata: { name: "n0" } });
  await make("/api/v1/nodes", { metadata: { name: "n0" } });
  await status("/api/v1/nodes/n0", {
    addresses: [{ type: "InternalIP", address: "127.0.0.1" }],
    daemonEndpoints: { kubeletEndpoint: { Port: kubelet.port } },
  });
  const containers = [{ name: "app", image: "app:1" }];
  await make(`${fuzz}/pods`, { metadata: { name: "n0" }, spec: { nodeName: "n0", containers } });
  await make(`${fuzz}/pods`, { metadata: { name: "n1" }, spec: { containers } });
  await status(`${fuzz}/pods/n0`, { phase: "Running", podIP: "192.0.2.1", podIPs: [{ ip: "192.0.2.1" }] });
  await make(`${fuzz}/services`, { metadata: { name: "n0" }, spec: { ports: [{ name: "http", port: 80 }] } });
});
afterAll(async () => {
  admin.close();
  await api.stop();
  await kubelet.stop();
});

async function make(where: string, object: object): Promise<void> {
  const { code, body } = await admin.request("POST", where, object);
  expect(code, JSON.stringify(body)).toBe(201);
}

async function status(where: string, value: object): Promise<void> {
  const merge = { "content-type": "application/merge-patch+json" };
  const { code, body } = await admin.request("PATCH", `${where}/status`, { status: value }, merge);
  expect(code, JSON.stringify(body)).toBe(200);
}

/** @returns the first line of what the server said; "" where it hung up without a word */
function answered({ head, tail, waits, leaves }: StreamCase): Promise<string> {
  const { ca, cert, key } = admin.agent.options;
  return new Promise((resolve, reject) => {
    const socket = tls.connect({ host: "127.0.0.1", port: api.api.port, ca, cert, key, ALPNProtocols: ["http/1.1"] });
    const isWhole = !/\r\n(content-length|transfer-encoding):/i.test(head.toString("latin1"));
    const giveUp = (): unknown => (isWhole ? socket.destroy(new Error(`no end in ${limitMs} ms`)) : socket.destroy());
    const late = setTimeout(giveUp, isWhole ? limitMs : unfinishedMs);
    let said = "";
    const leave = (): void => {
      if (leaves === "ends") socket.end(tail);
      else if (leaves === "resets") socket.destroy();
      else {
        if (waits) socket.write(tail);
        setTimeout(() => socket.destroy(), patienceMs);
      }
    };
    socket.once("secureConnect", () => {
      socket.write(head);
      if (!waits) socket.write(tail);
    });
    socket.on("data", (part: Buffer) => {
      if (said === "") setImmediate(leave);
      said += part.toString("latin1", 0, 2000);
    });
    socket.on("error", (error: Error) => {
      if (error.message.startsWith("no end")) reject(error);
    });
    // The server has said all that it will.
    socket.on("end", () => socket.end());
    socket.on("close", () => {
      clearTimeout(late);
      resolve(said.split("\r\n")[0]!);
    });
  });
}

const descriptors = (): number => readdirSync("/proc/self/fd").length;

it(`${cases} cases end, and leave nothing open`, { timeout: 600_000 }, async () => {
  console.log(`seed ${seed} (FAIRLEAD_SEED repeats it)`);
  expect((await admin.request("GET", "/readyz")).code).toBe(200);
  const before = descriptors();
  const faults: string[] = [];
  const codes = new Map<string, number>();
  let next = 0;
  const client = async (): Promise<void> => {
    while (next < cases && faults.length < 20) {
      const index = next++;
      const one = streamCase(seededRandom((seed + index * 2_654_435_761) % 2 ** 32));
      const line = await answered(one).catch((error: unknown) => String(error));
      // Past an upgrade, a kubelet's words are passed on as they are.
      const ofKubelet = line === strangeWords ? "kubelet's" : undefined;
      const code = /^HTTP\/1\.1 (\d{3}) /.exec(line)?.[1] ?? ofKubelet ?? (line === "" ? "none" : line);
      codes.set(code, (codes.get(code) ?? 0) + 1);
      if (code.length > 9) faults.push(`case ${index}: ${line}: ${one.head.toString("latin1")}`);
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  console.log(
    `answers: ${[...codes]
      .sort()
      .map(([code, count]) => `${count} × ${code}`)
      .join(", ")}`,
  );
  expect(faults).toEqual([]);
  expect(api.internalErrors).toEqual([]);
  expect(codes.get("101") ?? 0).toBeGreaterThan(cases / 100);
  expect((await admin.request("GET", "/readyz")).code).toBe(200);
  await eventually("the end of all connections", () => descriptors() <= before + 4, 30_000);
});

/**
 * Whatever a client sends, the server answers: a success, or a refusal below 500 with a Status, soon,
 * and goes on serving. FAIRLEAD_SEED repeats a run, FAIRLEAD_CASE one case of it, FAIRLEAD_LONG tries more.
 */
import { request, type Agent } from "node:https";
import { afterAll, beforeAll, expect, it } from "vitest";
import { adminClient } from "../fixtures/admin_client.ts";
import { creates, fuzzCase, type FuzzCase } from "../fixtures/fuzz/cases.ts";
import { seededRandom } from "../fixtures/fuzz/random.ts";
import { seed } from "../fixtures/seed.ts";
import { startSecureServer, type SecureServer } from "../fixtures/secure_server.ts";

const cases = process.env["FAIRLEAD_LONG"] ? 100_000 : 10_000;
const onlyCase = process.env["FAIRLEAD_CASE"];
/** On a machine that others keep busy, too. */
const timeoutMs = 60_000 + cases * 20;
/** Requests under way at one time. */
const clients = 24;
/** A request that lasts longer hangs, in ms; a watch is asked to last 1 s. */
const patienceMs = 20_000;

let api: SecureServer;
let agent: Agent;
beforeAll(async () => {
  api = await startSecureServer();
  ({ agent } = adminClient(api.api.adminKubeconfig, clients));
  await taken({ method: "POST", path: "/api/v1/namespaces", headers: {}, body: '{"metadata":{"name":"fuzz"}}' });
  const account = '{"metadata":{"name":"default"}}';
  const accounts = "/api/v1/namespaces/fuzz/serviceaccounts";
  await taken({ method: "POST", path: accounts, headers: {}, body: account });
  // The same object may be there under another group (events).
  for (const create of creates()) await taken(create, 409);
});
afterAll(async () => {
  agent.destroy();
  await api.stop();
});

async function taken(create: FuzzCase, alsoCode = 201): Promise<void> {
  const { code, body } = await sent(create);
  if (code !== 201 && code !== alsoCode) throw new Error(`${create.path}: ${code}: ${body}`);
}

interface Answer {
  readonly code: number;
  readonly type: string;
  readonly body: string;
}

function sent({ method, path, headers: given, body }: FuzzCase): Promise<Answer> {
  // Where it is asked to wait for "continue", node sends the head before it knows of a body.
  const headers = body === undefined ? given : { ...given, "content-length": Buffer.byteLength(body) };
  return new Promise((resolve, reject) => {
    const outgoing = request(`${api.url}/`, { method, path, headers, agent, timeout: patienceMs }, (incoming) => {
      const parts: Buffer[] = [];
      incoming.on("data", (part: Buffer) => parts.push(part));
      incoming.on("end", () =>
        resolve({
          code: incoming.statusCode ?? 0,
          type: incoming.headers["content-type"] ?? "",
          body: Buffer.concat(parts).toString(),
        }),
      );
      incoming.on("error", reject);
    });
    const timer = setTimeout(() => outgoing.destroy(new Error(`no answer in ${patienceMs} ms`)), patienceMs);
    outgoing.on("error", reject);
    outgoing.on("close", () => clearTimeout(timer));
    outgoing.end(body);
  });
}

/** What is wrong about an answer; undefined where nothing is. */
function fault({ method }: FuzzCase, { code, type, body }: Answer): string | undefined {
  if (code >= 200 && code < 400) return undefined;
  if (code < 400) return `status code ${code}`;
  if (method === "HEAD") return code < 500 ? undefined : `status code ${code}`;
  // The request line's and the headers' own faults are answered below HTTP's semantics (RFC 9112).
  if (code === 400 && body === "") return undefined;
  if (!type.startsWith("application/json")) return `status code ${code} without a Status: ${type}`;
  const status = JSON.parse(body) as { kind?: string; code?: number; status?: string; reason?: string };
  if (status.kind !== "Status" || status.code !== code || status.status !== "Failure") return `no Status of ${code}`;
  // Upstream's answer to a version that is yet to come (storage.NewTooLargeResourceVersionError), and a client may name any.
  if (code === 504 && body.includes("Too large resource version")) return undefined;
  // As upstream answers where every ServiceCIDR is being deleted, which a client may do.
  if (code === 500 && body.includes("failed to allocate a serviceIP: range is full")) return undefined;
  return code < 500 ? undefined : `status code ${code}`;
}

it(
  `${cases} cases are answered below 500, with a Status where they are refused`,
  async () => {
    console.log(`seed ${seed} (FAIRLEAD_SEED repeats it)`);
    const faults: string[] = [];
    const codes = new Map<number, number>();
    let next = onlyCase === undefined ? 0 : Number(onlyCase);
    const end = onlyCase === undefined ? cases : next + 1;
    const client = async (): Promise<void> => {
      while (next < end && faults.length < 20) {
        const index = next++;
        // A case depends on the seed and its number alone, whatever order answers come in.
        const one = fuzzCase(seededRandom((seed + index * 2_654_435_761) % 2 ** 32));
        const answer = await sent(one).catch((error: unknown) => String(error));
        const wrong = typeof answer === "string" ? answer : fault(one, answer);
        if (typeof answer !== "string") codes.set(answer.code, (codes.get(answer.code) ?? 0) + 1);
        if (wrong === undefined) continue;
        faults.push(`case ${index}: ${wrong}: ${described(one)} → ${described(answer)}`);
        console.log(faults.at(-1));
      }
    };
    await Promise.all(Array.from({ length: clients }, client));
    console.log(
      `answers: ${[...codes]
        .sort(([a], [b]) => a - b)
        .map(([code, count]) => `${count} × ${code}`)
        .join(", ")}`,
    );
    expect(faults).toEqual([]);
    expect(api.internalErrors).toEqual([]);
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
    expect((await sent({ method: "GET", path: "/readyz", headers: {}, body: undefined })).code).toBe(200);
    if (onlyCase === undefined) expect(codes.get(201) ?? 0).toBeGreaterThan(cases / 200);
  },
  timeoutMs,
);

function described(value: unknown): string {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text.length > 1500 ? `${text.slice(0, 1200)} … ${text.slice(-200)}` : text;
}

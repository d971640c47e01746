/** Every bad input through the real binary: the specification's code, its words, and nothing changed. */
import { mkdirSync, writeFileSync } from "node:fs";
import { execFileSync } from "node:child_process";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { namespaces } from "../../../src/kernel/real/namespaces.ts";
import type { NetworkNamespace } from "../../../src/kernel/ports.ts";
import { documents, environment, fields, results, type Case } from "../../fixtures/cni_bad_input.ts";
import { runPlugin, startAgent, type TestAgent } from "../../fixtures/cni_plugin.ts";
import { FakePodNetwork } from "../../fixtures/fake_pod_network.ts";
import { uniqueName } from "../../fixtures/namespace.ts";
import fc from "../../fixtures/property.ts";

let network: FakePodNetwork;
let agent: TestAgent;
let container: NetworkNamespace;
let netns: string;
const name = uniqueName();

beforeAll(async () => {
  network = new FakePodNetwork();
  agent = await startAgent(network);
  container = await namespaces.create(name);
  netns = `/run/netns/${name}`;
});
afterAll(async () => {
  await namespaces.delete(name);
  container.close();
  await agent.stop();
});

async function call({ verb = "ADD", env = {}, config = {}, stdin }: Omit<Case, "what" | "code" | "says">) {
  const full: Record<string, string | undefined> = {
    CNI_COMMAND: verb,
    CNI_CONTAINERID: "c1",
    CNI_NETNS: netns,
    CNI_IFNAME: "eth0",
    CNI_PATH: "/opt/cni/bin",
    ...env,
  };
  const defined = Object.fromEntries(Object.entries(full).filter(([, value]) => value !== undefined)) as Record<
    string,
    string
  >;
  const conf = { cniVersion: "1.1.0", name: "pods", type: "fairlead-cni", socket: agent.socketPath, ...config };
  return runPlugin({ env: defined, stdin: stdin ?? JSON.stringify(conf) });
}

/** With the agent's socket for SOCKET, and all other bytes as they are. */
function named(stdin: string | Uint8Array): Uint8Array {
  return Buffer.from(Buffer.from(stdin).toString("latin1").replace("SOCKET", agent.socketPath), "latin1");
}

describe.each([
  ["environment", environment],
  ["document", documents],
  ["field", fields],
  ["what the runtime adds", results],
])("a bad %s", (_kind, cases) => {
  test.each(cases)("$what → $code", async ({ code, says, ...input }) => {
    const before = network.calls.length;
    const { exitCode, stdout } = await call(
      input.stdin === undefined ? input : { ...input, stdin: named(input.stdin) },
    );
    const answer = JSON.parse(stdout) as { code: number; msg: string; details?: string; cniVersion: string };
    expect(answer).toMatchObject({ code, cniVersion: expect.any(String), msg: expect.any(String) });
    for (const words of says) expect(`${answer.msg} ${answer.details ?? ""}`).toContain(words);
    expect(exitCode).toBe(1);
    expect(network.calls.length).toBe(before);
  });
});

describe("a namespace that is none", () => {
  test("what is not there is an unknown container for ADD and CHECK, and nothing to do for DEL", async () => {
    for (const gone of ["/run/netns/nobody-has-this", "/proc/4194304/ns/net", "/etc/passwd/ns"]) {
      for (const verb of ["ADD", "CHECK"]) {
        const { stdout } = await call({ verb, env: { CNI_NETNS: gone }, config: { prevResult: {} } });
        expect(JSON.parse(stdout)).toMatchObject({ code: 3, msg: expect.stringContaining("CNI_NETNS") });
      }
      expect(await call({ verb: "DEL", env: { CNI_NETNS: gone } })).toMatchObject({ exitCode: 0, stdout: "" });
      expect(network.last.delete?.netns).toBeUndefined();
    }
  });

  test("files, folders, pipes and other namespaces are refused, however the path is written", async () => {
    const folder = path.join(agent.folder, "tricks");
    mkdirSync(folder);
    writeFileSync(path.join(folder, "file"), "");
    execFileSync("mkfifo", [path.join(folder, "pipe")]);
    for (const trick of [
      `${folder}/file`,
      folder,
      `${folder}/pipe`,
      "/dev/null",
      "/dev/zero",
      "/proc/self/ns/mnt",
      "/proc/self/mem",
    ]) {
      const { stdout } = await call({ env: { CNI_NETNS: trick } });
      expect(JSON.parse(stdout), trick).toMatchObject({
        code: 4,
        msg: expect.stringContaining("not a network namespace"),
      });
      // A broken mount leaves an empty file where the namespace was.
      expect(await call({ verb: "DEL", env: { CNI_NETNS: trick } }), trick).toMatchObject({ exitCode: 0 });
      expect(network.last.delete?.netns).toBeUndefined();
    }
  });

  test("the node's own is refused for every verb that would touch it", async () => {
    const before = network.calls.length;
    const own = [
      "/proc/self/ns/net",
      "/proc/thread-self/ns/net",
      `/run/netns/../../proc/${process.pid}/ns/net`,
      "//proc/1/ns/net",
    ];
    for (const [i, verb] of ["ADD", "CHECK", "DEL", "ADD"].entries()) {
      const { stdout } = await call({ verb, env: { CNI_NETNS: own[i]! }, config: { prevResult: {} } });
      expect(JSON.parse(stdout)).toMatchObject({ code: 4, msg: expect.stringContaining("CNI_NETNS") });
    }
    expect(network.calls.length).toBe(before);
  });
});

describe("whatever the input", () => {
  const texts = fc.oneof(
    fc.string({ maxLength: 30 }),
    fc.constantFrom("", "eth0", "c1", "ADD", "DEL", "../..", "\u0007", "🦊"),
  );
  const values = fc.oneof(fc.jsonValue({ maxDepth: 3 }), fc.constantFrom("10.1.0.0/16", "1.1.0", "0.3.1", 1500, true));
  const keys = fc.constantFrom(
    "cniVersion",
    "name",
    "type",
    "mode",
    "bridge",
    "mtu",
    "ipMasq",
    "ipam",
    "dns",
    "runtimeConfig",
    "prevResult",
    "args",
    "capabilities",
    "nonMasqueradeCIDRs",
    "cni.dev/valid-attachments",
    "x",
    "constructor",
  );

  test("the answer is a result or one of the specification's errors", async () => {
    const runs = process.env["FAIRLEAD_LONG"] === "1" ? 1000 : 60;
    await fc.assert(
      fc.asyncProperty(
        fc.dictionary(fc.constantFrom("CNI_COMMAND", "CNI_CONTAINERID", "CNI_IFNAME", "CNI_ARGS", "CNI_NETNS"), texts, {
          maxKeys: 3,
        }),
        fc.dictionary(keys, values, { maxKeys: 4 }),
        fc.constantFrom("ADD", "DEL", "CHECK", "GC", "STATUS"),
        async (env, config, verb) => {
          // The operating system cannot pass a NUL.
          const passable = Object.fromEntries(
            Object.entries(env).map(([key, text]) => [key, text.replaceAll("\0", "")]),
          );
          const { exitCode, stdout } = await call({ verb, env: passable, config });
          if (exitCode === 0) return;
          const { code, msg } = JSON.parse(stdout) as { code: number; msg: string };
          expect([1, 2, 3, 4, 6, 7, 102, 103]).toContain(code);
          expect(msg.length).toBeGreaterThan(5);
          expect(exitCode).toBe(1);
        },
      ),
      { numRuns: runs },
    );
  });
});

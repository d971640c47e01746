/** The binary itself: it needs nothing of its host, and waits for nobody for ever. */
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { copyFileSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { once } from "node:events";
import net from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { pluginBinary, runPlugin } from "../../fixtures/cni_plugin.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "fairlead-shim-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

test("runs where there is no other file: no loader, no C library, no /proc", async () => {
  const file = path.join(folder, "fairlead-cni");
  copyFileSync(pluginBinary(), file);
  expect(execFileSync("readelf", ["--program-headers", "--dynamic", file], { encoding: "utf8" })).not.toMatch(
    /INTERP|NEEDED/,
  );
  const call = (verb: string, input: string) => {
    const env = { ...process.env, CNI_COMMAND: verb };
    const { status, stdout } = spawnSync("chroot", [folder, "/fairlead-cni"], { env, input, encoding: "utf8" });
    return [status, JSON.parse(stdout)] as const;
  };
  expect(call("VERSION", '{"cniVersion":"0.4.0"}')).toEqual([0, expect.objectContaining({ cniVersion: "0.4.0" })]);
  expect(call("STATUS", "{}")).toEqual([1, expect.objectContaining({ code: 50 })]);
});

test("is small", () => {
  expect(statSync(pluginBinary()).size).toBeLessThan(1 << 20);
});

test("takes 4 MiB of configuration and answers with as much, in pieces of any size", async () => {
  const socketPath = path.join(folder, "s");
  const received: number[] = [];
  const server = net.createServer((socket) => {
    let bytes = 0;
    socket.on("error", () => {});
    socket.on("data", (chunk) => {
      bytes += chunk.length;
      if (bytes < size) return;
      received.push(bytes);
      const header = Buffer.from("FLC1\0\0\0\0....");
      header.writeUInt32LE(4 << 20, 8);
      for (const byte of header) socket.write(Buffer.of(byte));
      socket.write(Buffer.alloc(4 << 20, "x"));
    });
  });
  const environment = "CNI_COMMAND=ADD\0";
  const config = (padding: number) => JSON.stringify({ socket: socketPath, x: "y".repeat(padding) });
  const stdin = config((4 << 20) - config(0).length);
  const size = 12 + environment.length + stdin.length;
  await new Promise<void>((resolve) => server.listen(socketPath, resolve));
  const { exitCode, stdout } = await runPlugin({ env: { CNI_COMMAND: "ADD" }, stdin });
  expect([exitCode, stdout.length, received]).toEqual([0, 4 << 20, [size]]);
  const tooMuch = await runPlugin({ env: { CNI_COMMAND: "ADD" }, stdin: `${stdin} ` });
  expect(JSON.parse(tooMuch.stdout)).toMatchObject({ code: 5 });
  await new Promise((resolve) => server.close(resolve));
});

test("no standard input, and one that does not end", { timeout: 30_000 }, async () => {
  const closed = spawn("sh", ["-c", `exec ${pluginBinary()} <&-`], { env: { PATH: "/bin", CNI_COMMAND: "ADD" } });
  const said: Buffer[] = [];
  closed.stdout.on("data", (chunk: Buffer) => said.push(chunk));
  await once(closed, "close");
  expect(JSON.parse(Buffer.concat(said).toString())).toMatchObject({ code: 5 });

  const open = spawn(pluginBinary(), { env: { CNI_COMMAND: "ADD" } });
  const words: Buffer[] = [];
  open.stdout.on("data", (chunk: Buffer) => words.push(chunk));
  open.stdin.write("{");
  await once(open, "close");
  expect(JSON.parse(Buffer.concat(words).toString())).toMatchObject({
    code: 5,
    msg: expect.stringContaining("did not end"),
  });
});

test("what it refuses itself, JavaScript's parser refuses too; what it takes from a document is what that says", async () => {
  const documents = [
    '{"cniVersion":"0.4.0"}',
    ' \n{ "a" : [ {"cniVersion":"9.9.9"}, "]}" ] , "cniVersion" : "0.3.1" } ',
    '{"cniVersion":"0.4.0","cniVersion":"1.0.0"}',
    '{"x":"\\"cniVersion\\":\\"9.9.9\\"","cniVersion":"1.0.0"}',
    '{"x":{"cniVersion":"9.9.9"},"y":-1.5e+10,"z":null,"cniVersion":"1.0.0"}',
    '{"cniVersion":"\\u0031.0.0"}',
    '{"cniVersion":["1.0.0"]}',
    `{"x":${"[".repeat(5000)}${"]".repeat(5000)},"cniVersion":"1.0.0"}`,
    '{"cniVersion":"1.0.0",}',
    '{"cniVersion" "1.0.0"}',
    '{"cniVersion":"1.0.0"}x',
    '{"cniVersion":"1.0.0"',
    '{"cniVersion":"1.0.0\\',
  ];
  for (const document of documents) {
    const { stdout } = await runPlugin({ env: { CNI_COMMAND: "ADD" }, stdin: document });
    const { code, cniVersion } = JSON.parse(stdout) as { code: number; cniVersion: string };
    let parsed: { cniVersion?: unknown } | undefined;
    try {
      parsed = JSON.parse(document) as { cniVersion?: unknown };
    } catch {
      parsed = undefined;
    }
    expect(code, document).toBe(parsed === undefined ? 6 : 11);
    const plain = typeof parsed?.cniVersion === "string" && !document.includes("\\u");
    if (parsed) expect(cniVersion, document).toBe(plain ? parsed.cniVersion : "1.1.0");
  }
});

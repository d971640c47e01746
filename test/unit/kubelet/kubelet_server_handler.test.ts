/** The server on real sockets: a client that stands still, one that is refused, and a certificate that is renewed. */
import { writeFileSync, copyFileSync, mkdtempSync, rmSync } from "node:fs";
import http from "node:http";
import net from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import tls from "node:tls";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { kubeletConfiguration } from "../../../src/config/kubelet.ts";
import { parseConfig } from "../../../src/config/read.ts";
import type { Endpoint } from "../../../src/kubelet/server/endpoint.ts";
import { sendParts } from "../../../src/kubelet/server/endpoint.ts";
import type { HandlerOptions } from "../../../src/kubelet/server/handler.ts";
import { Refusal } from "../../../src/kubelet/server/refusal.ts";
import { Router } from "../../../src/kubelet/server/router.ts";
import { KubeletServer } from "../../../src/kubelet/server/server.ts";
import { certificateOfFiles } from "../../../src/kubelet/server/serving/files.ts";
import { ensureSelfSigned } from "../../../src/kubelet/server/serving/self_signed.ts";
import { systemClock } from "../../../src/reconcile/clock.ts";
import { eventually } from "../../fixtures/eventually.ts";

const head = "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\naddress: 127.0.0.1\n";
let folder = "";
let server: KubeletServer | undefined;

beforeEach(() => (folder = mkdtempSync(path.join(tmpdir(), "fairlead-handler-"))));
afterEach(async () => {
  await server?.close();
  rmSync(folder, { recursive: true });
});

async function freePort(): Promise<number> {
  const probe = net.createServer();
  await new Promise<void>((resolve) => probe.listen(0, "127.0.0.1", resolve));
  const { port } = probe.address() as net.AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

/** Nobody is asked who they are: on readOnlyPort, over plain HTTP. */
async function serve(endpoints: readonly Endpoint[], idleTimeoutMs = 0): Promise<number> {
  const [port, readOnlyPort] = [await freePort(), await freePort()];
  const settings = parseConfig(
    `${head}port: ${port}\nreadOnlyPort: ${readOnlyPort}\n`,
    "kubelet.yaml",
    kubeletConfiguration,
  );
  const options: HandlerOptions = {
    router: new Router(endpoints),
    access: undefined,
    observe: () => () => undefined,
    onError: () => undefined,
    idleTimeoutMs,
  };
  const files = await ensureSelfSigned(folder, ["n1"], Date.now());
  const certificate = certificateOfFiles(files, () => undefined);
  server = new KubeletServer({
    settings,
    certificate,
    secure: options,
    readOnly: options,
    clock: systemClock,
    onError: () => undefined,
  });
  await server.start();
  return readOnlyPort;
}

describe("a client that stands still", () => {
  it("holds up what is made for it, and nothing is made ahead", async () => {
    let made = 0;
    async function* endless(): AsyncGenerator<Buffer> {
      for (;;) {
        made += 65_536;
        yield Buffer.alloc(65_536, "x");
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
    let isOver = false;
    const port = await serve([
      {
        path: "/endless",
        answer: async (_asked, response) => {
          await sendParts(response, endless());
          isOver = true;
        },
      },
    ]);
    const socket = net.connect(port, "127.0.0.1");
    socket.pause();
    socket.write("GET /endless HTTP/1.1\r\nHost: n1\r\n\r\n");
    // What the kernel's buffers take is made; then it stops.
    let before = -1;
    await eventually("no more", async () => {
      const isSame = made > 0 && made === before;
      before = made;
      await new Promise((resolve) => setTimeout(resolve, 200));
      return isSame;
    });
    expect(made).toBeLessThan(32 * 1024 * 1024);
    socket.destroy();
    await eventually("its end", () => isOver);
  });

  it("that was upgraded is let go when nothing was said for long", async () => {
    const port = await serve(
      [
        {
          path: "/stream",
          answer: () => undefined,
          upgrade: async (_asked, { socket }) => {
            socket.write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n");
            await new Promise((resolve) => socket.once("close", resolve));
          },
        },
      ],
      100,
    );
    const socket = net.connect(port, "127.0.0.1");
    socket.write("GET /stream HTTP/1.1\r\nHost: n1\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n");
    socket.resume();
    await new Promise((resolve) => socket.once("close", resolve));
  });
});

describe("a server that ends", () => {
  it("ends streams too", async () => {
    const port = await serve([
      {
        path: "/stream",
        answer: () => undefined,
        upgrade: async (_asked, { socket }) => {
          socket.write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n");
          await new Promise((resolve) => socket.once("close", resolve));
        },
      },
    ]);
    const socket = net.connect(port, "127.0.0.1");
    socket.write("GET /stream HTTP/1.1\r\nHost: n1\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n");
    await new Promise((resolve) => socket.once("data", resolve));
    const ended = new Promise((resolve) => socket.once("close", resolve));
    await server!.close();
    await ended;
  });
});

describe("a request", () => {
  const ask = (
    port: number,
    at: string,
    method = "GET",
  ): Promise<{ code: number; text: string; allow: string | undefined }> =>
    new Promise((resolve, reject) => {
      const asked = http.request({ port, host: "127.0.0.1", path: at, method, agent: false }, (answer) => {
        let text = "";
        answer.on("data", (part: Buffer) => (text += part.toString()));
        answer.on("end", () => resolve({ code: answer.statusCode!, text, allow: answer.headers.allow }));
      });
      asked.on("error", reject).end();
    });

  it("is refused with what was said, and a fault with its message", async () => {
    const port = await serve([
      { path: "/no", answer: () => Promise.reject(new Refusal(409, "not now")) },
      { path: "/broken", answer: () => Promise.reject(new Error("it broke")) },
    ]);
    expect(await ask(port, "/no")).toMatchObject({ code: 409, text: "not now" });
    expect(await ask(port, "/broken")).toMatchObject({ code: 500, text: "it broke" });
    expect(await ask(port, "/no", "POST")).toEqual({ code: 405, text: "Method Not Allowed", allow: "GET" });
    expect(await ask(port, "/nothing")).toMatchObject({ code: 404, text: "404 page not found\n" });
    expect(await ask(port, "/%E0%A4%A")).toMatchObject({ code: 400 });
  });

  it("for an upgrade is refused as any other", async () => {
    const port = await serve([{ path: "/no", answer: () => undefined }]);
    const socket = net.connect(port, "127.0.0.1");
    let text = "";
    socket.on("data", (part: Buffer) => (text += part.toString()));
    socket.write("GET /no HTTP/1.1\r\nHost: n1\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n");
    await new Promise((resolve) => socket.once("close", resolve));
    expect(text).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n[\s\S]*\r\n\r\nthis path takes no upgrade$/);
  });
});

describe("the serving certificate", () => {
  it("is another for new connections once its files are, and connections that stand go on", async () => {
    await serve([]);
    const connect = (): Promise<tls.TLSSocket> =>
      new Promise((resolve, reject) => {
        const socket = tls.connect({ port: server!.port!, host: "127.0.0.1", rejectUnauthorized: false }, () =>
          resolve(socket),
        );
        socket.on("error", reject);
      });
    const subjectOf = async (): Promise<string> => {
      const socket = await connect();
      const { CN } = socket.getPeerCertificate().subject as unknown as { CN: string };
      socket.destroy();
      return CN;
    };
    const standing = await connect();
    expect(await subjectOf()).toMatch(/^n1@/);
    const other = await ensureSelfSigned(path.join(folder, "other"), ["n2"], Date.now());
    copyFileSync(other.keyFile, path.join(folder, "kubelet.key"));
    copyFileSync(other.certFile, path.join(folder, "kubelet.crt"));
    await eventually("the other certificate", async () => (await subjectOf()).startsWith("n2@"));
    writeFileSync(path.join(folder, "kubelet.crt"), "");
    expect(standing.destroyed).toBe(false);
    standing.destroy();
  });
});

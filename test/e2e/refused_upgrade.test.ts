/** A connection that asked for an upgrade and was refused ends, however its client leaves. */
import { readdirSync } from "node:fs";
import tls from "node:tls";
import { afterAll, beforeAll, expect, it } from "vitest";
import { adminClient } from "../fixtures/admin_client.ts";
import { eventually } from "../fixtures/eventually.ts";
import { startSecureServer, type SecureServer } from "../fixtures/secure_server.ts";

let api: SecureServer;
beforeAll(async () => {
  api = await startSecureServer();
});
afterAll(() => api.stop());

const descriptors = (): number => readdirSync("/proc/self/fd").length;
const ask =
  "GET /api/v1/namespaces/default/configmaps HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n";

/** @param early what the client sends without waiting for the answer */
function refused(early: string, leave: (socket: tls.TLSSocket) => void): Promise<void> {
  const admin = adminClient(api.api.adminKubeconfig);
  const { ca, cert, key } = admin.agent.options;
  const socket = tls.connect({ host: "127.0.0.1", port: api.api.port, ca, cert, key, ALPNProtocols: ["http/1.1"] });
  socket.once("secureConnect", () => socket.write(ask + early));
  return new Promise((resolve, reject) => {
    let said = "";
    socket.on("error", reject);
    socket.on("data", (part: Buffer) => {
      said += part.toString();
      leave(socket);
    });
    socket.on("close", () => (said.startsWith("HTTP/1.1 400 ") ? resolve() : reject(new Error(said))));
  });
}

it.each([
  ["ends", "", (socket: tls.TLSSocket) => void socket.end()],
  ["has said more, and is gone", "more", (socket: tls.TLSSocket) => void socket.destroy()],
  ["says more, and ends", "", (socket: tls.TLSSocket) => void socket.end("more")],
])("a client that %s leaves no descriptor behind", async (_what, early, leave) => {
  await refused("", () => undefined);
  const before = descriptors();
  await Promise.all(Array.from({ length: 10 }, () => refused(early, leave)));
  await eventually("the end of the connections", () => descriptors() <= before + 5, 4000);
  expect(api.internalErrors).toEqual([]);
});

/** Who is let in and what they may do, as the real kubectl sees it over TLS. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startSecureServer, type SecureServer } from "../fixtures/secure_server.ts";

let server: SecureServer;
beforeAll(async () => {
  server = await startSecureServer();
});
afterAll(async () => {
  expect(server.internalErrors).toEqual([]);
  await server.stop();
});

describe("a fresh cluster", () => {
  it("lets the administrator in by the kubeconfig that it wrote", async () => {
    const { stdout, stderr, code } = await server.kubectl(["get", "namespaces", "-o", "name"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout.split("\n")).toEqual(
      expect.arrayContaining([
        "namespace/default",
        "namespace/kube-node-lease",
        "namespace/kube-public",
        "namespace/kube-system",
      ]),
    );
  });
});

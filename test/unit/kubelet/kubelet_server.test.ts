/** The server's parts: who may ask what, which path leads where, and SPDY against a server of its own. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import net from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { X509Certificate } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { Client } from "../../../src/api/client.ts";
import { parseConfig } from "../../../src/config/read.ts";
import { kubeletConfiguration } from "../../../src/config/kubelet.ts";
import { nodeAttributes } from "../../../src/kubelet/server/auth/attributes.ts";
import { Authenticator } from "../../../src/kubelet/server/auth/authenticator.ts";
import { Authorizer } from "../../../src/kubelet/server/auth/authorizer.ts";
import { TtlCache } from "../../../src/kubelet/server/auth/ttl_cache.ts";
import { healthOf } from "../../../src/kubelet/server/health.ts";
import { Router } from "../../../src/kubelet/server/router.ts";
import { certificateOfFiles } from "../../../src/kubelet/server/serving/files.ts";
import { ensureSelfSigned } from "../../../src/kubelet/server/serving/self_signed.ts";
import { opensslName } from "../../../src/kubelet/server/serving/tls_options.ts";
import { forwardedPorts, streamOptions } from "../../../src/kubelet/server/streams/options.ts";
import { SpdyClient } from "../../../src/kubelet/server/streams/spdy_client.ts";
import { eventually } from "../../fixtures/eventually.ts";
import { serveSpdy } from "../../fixtures/streams/spdy.ts";

describe("what an authorizer is asked", () => {
  it.each([
    ["GET", "/pods", "get", ["pods", "proxy"]],
    ["GET", "/pods/", "get", ["pods", "proxy"]],
    ["GET", "/runningpods/", "get", ["pods", "proxy"]],
    ["GET", "/healthz/ping", "get", ["healthz", "proxy"]],
    ["GET", "/healthzz", "get", ["proxy"]],
    ["GET", "/configz", "get", ["configz", "proxy"]],
    ["GET", "/stats/summary", "get", ["stats"]],
    ["GET", "/metrics/cadvisor", "get", ["metrics"]],
    ["GET", "/metricsx", "get", ["proxy"]],
    ["GET", "/logs/syslog", "get", ["log"]],
    ["POST", "/checkpoint/a/b/c", "create", ["checkpoint"]],
    ["POST", "/exec/default/web/main", "create", ["proxy"]],
    ["GET", "/exec/default/web/main", "get", ["proxy"]],
    ["DELETE", "/", "delete", ["proxy"]],
    ["OPTIONS", "/pods", "", ["pods", "proxy"]],
  ])("%s %s", (method, at, verb, subresources) => {
    expect(nodeAttributes(method, at)).toEqual({ verb, subresources });
  });
});

const head = "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n";
const config = (body = "") => parseConfig(head + body, "kubelet.yaml", kubeletConfiguration);
const request = (token?: string): IncomingMessage =>
  ({
    headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
    socket: {},
  }) as unknown as IncomingMessage;

interface ReviewSpec {
  readonly token?: string;
  readonly user?: string;
  readonly resourceAttributes?: { readonly subresource: string };
}

/** An API server that knows one token, and lets one user see metrics. */
function reviewer() {
  const asked: ReviewSpec[] = [];
  const create = async (type: { readonly kind: string }, { spec }: { readonly spec: ReviewSpec }) => {
    asked.push(spec);
    await Promise.resolve();
    if (type.kind === "TokenReview") {
      if (spec.token === "down") throw new Error("no answer");
      return { status: spec.token === "good" ? { authenticated: true, user: { username: "u", groups: ["g"] } } : {} };
    }
    if (spec.user === "down") throw new Error("no answer");
    return { status: { allowed: spec.user === "u" && spec.resourceAttributes?.subresource === "metrics" } };
  };
  return { asked, client: { create } as unknown as Client };
}

describe("an authenticator", () => {
  it("asks for a token once as long as the answer holds, and once for many who ask together", async () => {
    let now = 0;
    const { asked, client } = reviewer();
    const { authentication } = config("authentication: { webhook: { cacheTTL: 2m } }");
    const authenticator = new Authenticator(authentication, client, () => now);
    const users = await Promise.all([1, 2, 3].map(() => authenticator.authenticate(request("good"))));
    expect(users[0]).toEqual({ username: "u", groups: ["g", "system:authenticated"] });
    now = 119_000;
    await authenticator.authenticate(request("good"));
    expect(asked).toHaveLength(1);
    now = 121_000;
    await authenticator.authenticate(request("good"));
    expect(asked).toHaveLength(2);
    expect(await authenticator.authenticate(request("bad"))).toBeUndefined();
    await expect(authenticator.authenticate(request("down"))).rejects.toThrow("no answer");
  });

  it("takes who shows nothing for anonymous, where that is allowed, and who shows a wrong token never", async () => {
    const { client } = reviewer();
    const allowing = new Authenticator(
      config("authentication: { anonymous: { enabled: true } }").authentication,
      client,
      Date.now,
    );
    expect(await allowing.authenticate(request())).toEqual({
      username: "system:anonymous",
      groups: ["system:unauthenticated"],
    });
    expect(await allowing.authenticate(request("bad"))).toBeUndefined();
    const strict = new Authenticator(config().authentication, client, Date.now);
    expect(await strict.authenticate(request())).toBeUndefined();
  });
});

describe("an authorizer", () => {
  const user = (username: string) => ({ username, groups: [] });

  it("asks for each subresource until one is granted, and refuses in upstream's words", async () => {
    let now = 0;
    const { asked, client } = reviewer();
    const authorizer = new Authorizer(config().authorization, client, "n1", () => now);
    await authorizer.authorize(user("u"), { verb: "get", subresources: ["metrics"] });
    expect(asked).toEqual([
      {
        user: "u",
        groups: [],
        resourceAttributes: { verb: "get", version: "v1", resource: "nodes", subresource: "metrics", name: "n1" },
      },
    ]);
    const pods = { verb: "get", subresources: ["pods", "proxy"] };
    const refused = {
      code: 403,
      message: "Forbidden (user=u, verb=get, resource=nodes, subresource(s)=[pods proxy])\n",
    };
    await expect(authorizer.authorize(user("u"), pods)).rejects.toMatchObject(refused);
    await expect(authorizer.authorize(user("u"), pods)).rejects.toMatchObject(refused);
    expect(asked).toHaveLength(3);
    // What was refused is asked again sooner than what was allowed.
    now = 31_000;
    await expect(authorizer.authorize(user("u"), pods)).rejects.toMatchObject(refused);
    await authorizer.authorize(user("u"), { verb: "get", subresources: ["metrics"] });
    expect(asked).toHaveLength(5);
    await expect(authorizer.authorize(user("down"), pods)).rejects.toMatchObject({
      code: 500,
      message: "Authorization error (user=down, verb=get, resource=nodes, subresource=pods)",
    });
  });

  it("lets everybody in where the configuration says so", async () => {
    const { asked, client } = reviewer();
    const authorizer = new Authorizer(
      config("authorization: { mode: AlwaysAllow }").authorization,
      client,
      "n1",
      Date.now,
    );
    await authorizer.authorize(user("anybody"), { verb: "create", subresources: ["proxy"] });
    expect(asked).toEqual([]);
  });
});

describe("a cache of answers", () => {
  it("keeps no more than its bound", async () => {
    const cache = new TtlCache<number>(2, () => 0);
    let asked = 0;
    const ask = async (): Promise<number> => ++asked;
    for (const key of ["a", "b", "c", "c", "a"]) await cache.get(key, ask, () => 1000);
    expect(asked).toBe(4);
  });
});

describe("paths", () => {
  const answer = (): void => undefined;
  const router = new Router(
    ["/pods", "/exec/{namespace}/{pod}/{container}", "/exec/{namespace}/{pod}/{uid}/{container}", "/logs/*"].map(
      (at) => ({ path: at, answer }),
    ),
  );

  it.each([
    ["/pods/", "/pods", {}],
    ["/exec/a/b/c", "/exec/{namespace}/{pod}/{container}", { namespace: "a", pod: "b", container: "c" }],
    [
      "/exec/a/b/u/c",
      "/exec/{namespace}/{pod}/{uid}/{container}",
      { namespace: "a", pod: "b", uid: "u", container: "c" },
    ],
    ["/logs/", "/logs/*", { "*": "" }],
    ["/logs/a/../b", "/logs/*", { "*": "a/../b" }],
    ["/exec/a//c", undefined, undefined],
    ["/exec/a", undefined, undefined],
    ["/", undefined, undefined],
  ])("%s", (at, found, params) => {
    const match = router.find(at);
    expect(match?.endpoint.path).toBe(found);
    expect(match?.params).toEqual(params);
  });
});

describe("streams", () => {
  it("are what a query asks for", () => {
    const of = (query: string) => streamOptions(new URLSearchParams(query));
    expect(of("input=1&output=1&error=1")).toEqual({ stdin: true, stdout: true, stderr: true, tty: false });
    expect(of("output=1&error=1&tty=1")).toEqual({ stdin: false, stdout: true, stderr: false, tty: true });
    expect(() => of("tty=1")).toThrow("you must specify at least 1 of stdin, stdout, stderr");
  });

  it("of forwarded ports are named by old WebSockets alone", () => {
    const of = (query: string, isWebSocket = true) => forwardedPorts(new URLSearchParams(query), isWebSocket);
    expect(of("port=80,443&port=8080")).toEqual([80, 443, 8080]);
    expect(of("", false)).toEqual([]);
    expect(() => of("")).toThrow('query parameter "port" is required');
    expect(() => of("port=http")).toThrow('unable to parse "http" as a port');
    expect(() => of("port=0")).toThrow('port "0" must be > 0');
  });

  it("of SPDY/3.1 carry bytes both ways, and end one by one", async () => {
    const got: string[] = [];
    const server = net.createServer((socket) => {
      serveSpdy(socket, (stream) => {
        got.push(`open ${stream.headers["streamtype"]} ${stream.headers["x"] ?? ""}`);
        stream.onData = (data) => stream.write(Buffer.from(data.toString().toUpperCase()));
        stream.onEnd = () => {
          stream.write(Buffer.from("bye"));
          stream.end();
        };
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const socket = net.connect((server.address() as net.AddressInfo).port, "127.0.0.1");
    const said = ["", "", ""];
    let closed = 0;
    const client = new SpdyClient(socket, Buffer.alloc(0), { onDrain: () => undefined, onClose: () => closed++ });
    // The second and third go on in the zlib stream that the first began.
    const streams = ["stdin", "error", "x".repeat(3000)].map((streamtype, n) =>
      client.open(
        { streamtype, x: String(n) },
        { onData: (data) => (said[n] = `${said[n]}${data.toString()}`), onEnd: () => (said[n] = `${said[n]}|`) },
      ),
    );
    const long = "y".repeat(300_000);
    streams[0]!.write(Buffer.from("hello "));
    streams[1]!.write(Buffer.from(long));
    streams[0]!.end();
    streams[1]!.end();
    await eventually("both ends", () => said[0]!.endsWith("|") && said[1]!.endsWith("|"));
    expect(said).toEqual(["HELLO bye|", `${long.toUpperCase()}bye|`, ""]);
    expect(got).toEqual(["open stdin 0", "open error 1", `open ${"x".repeat(3000)} 2`]);
    socket.destroy();
    await eventually("the end", () => closed === 1 && said[2] === "|");
    await new Promise((resolve) => server.close(resolve));
  });
});

describe("the serving certificate", () => {
  it("is made once, for the node's names, and read again when it is another", async () => {
    const folder = mkdtempSync(path.join(tmpdir(), "fairlead-serving-"));
    const names = ["n1", "192.0.2.1", "2001:db8::1"];
    try {
      const files = await ensureSelfSigned(`${folder}/pki`, names, Date.now());
      const source = certificateOfFiles(files, () => undefined);
      const first = source.current()!;
      const certificate = new X509Certificate(first.cert);
      expect(certificate.subjectAltName).toBe("DNS:n1, IP Address:192.0.2.1, IP Address:2001:DB8:0:0:0:0:0:1");
      expect(certificate.subject).toMatch(/^CN=n1@\d+$/);
      expect(statSync(files.keyFile).mode & 0o777).toBe(0o600);
      expect(await ensureSelfSigned(`${folder}/pki`, names, Date.now())).toEqual(files);
      expect(source.current()!.cert).toBe(first.cert);
      let changes = 0;
      source.onChange(() => changes++);
      const { certFile, keyFile } = await ensureSelfSigned(`${folder}/other`, names, Date.now());
      // One by one: half a pair is no certificate.
      execFileSync("cp", [keyFile, files.keyFile]);
      execFileSync("cp", [certFile, files.certFile]);
      await eventually("the other certificate", () => changes > 0);
      expect(source.current()!.cert).not.toBe(first.cert);
      writeFileSync(files.certFile, "no certificate");
      await new Promise((resolve) => setTimeout(resolve, 300));
      expect(new X509Certificate(source.current()!.cert).subject).toMatch(/^CN=n1@/);
      source.stop();
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("is served with the ciphers that the configuration names", () => {
    expect(
      [
        "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
        "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
        "TLS_RSA_WITH_AES_256_CBC_SHA",
        "TLS_AES_128_GCM_SHA256",
      ].map(opensslName),
    ).toEqual(["ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305", "AES256-SHA", "TLS_AES_128_GCM_SHA256"]);
  });
});

describe("health", () => {
  it("names the check that fails, and not why", () => {
    const checks = { ping: () => undefined, syncloop: () => "secret" };
    expect(healthOf(checks, false)).toEqual({
      code: 500,
      body: "[+]ping ok\n[-]syncloop failed: reason withheld\nhealthz check failed\n",
    });
  });
});

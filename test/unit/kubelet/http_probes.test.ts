/** Answers over HTTP as probes read them: whole, in pieces, cut off, and what is none. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import http from "node:http";
import https from "node:https";
import net, { type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { getOverHttp } from "../../../src/kubelet/probes/http_get.ts";
import { decodeResponse } from "../../../src/kubelet/probes/http_response.ts";
import { ensureSelfSigned } from "../../../src/kubelet/server/serving/self_signed.ts";
import fc from "../../fixtures/property.ts";

const parsed = (text: string, isEnd = false) => decodeResponse(Buffer.from(text, "latin1"), isEnd);

/** A body in chunks of any sizes, with any extension and trailer. */
const chunked = fc
  .tuple(fc.array(fc.uint8Array({ minLength: 1, maxLength: 40 }), { maxLength: 5 }), fc.boolean(), fc.boolean())
  .map(([parts, hasExtension, hasTrailer]) => {
    const chunk = (part: Uint8Array): string =>
      `${part.length.toString(16)}${hasExtension ? ";a=b" : ""}\r\n${Buffer.from(part).toString("latin1")}\r\n`;
    const body = `${parts.map(chunk).join("")}0\r\n${hasTrailer ? "X-Sum: 1\r\n" : ""}\r\n`;
    return `Transfer-Encoding: chunked\r\n\r\n${body}`;
  });
const counted = fc.uint8Array({ minLength: 1, maxLength: 100 }).map((bytes) => {
  return `Content-Length: ${bytes.length}\r\n\r\n${Buffer.from(bytes).toString("latin1")}`;
});
const answers = fc
  .tuple(fc.constantFrom("", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"), fc.oneof(chunked, counted))
  .map(([before, rest]) => `${before}HTTP/1.1 200 OK\r\nServer: any\r\n${rest}`);

describe("an answer", () => {
  it("is one when its last byte is there, and not before", () => {
    fc.assert(
      fc.property(answers, fc.nat(), (text, cut) => {
        expect(parsed(text)).toEqual({ code: 200, location: undefined });
        const part = text.slice(0, cut % text.length);
        expect(parsed(part)).toBe("more");
        expect(() => parsed(part, true)).toThrow(part === "" ? /^EOF$/ : /unexpected EOF/);
      }),
    );
  });

  it("without a length ends with the connection, or where it is long", () => {
    const head = "HTTP/1.0 302 Found\nLocation: /there \n\n";
    expect(parsed(`${head}body`)).toBe("more");
    expect(parsed(`${head}body`, true)).toEqual({ code: 302, location: "/there" });
    expect(parsed(head + "x".repeat(10 * 1024))).toEqual({ code: 302, location: "/there" });
  });

  it("without a body ends with its head", () => {
    expect(parsed("HTTP/1.1 204 No Content\r\n\r\n")).toEqual({ code: 204, location: undefined });
    expect(parsed("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")).toEqual({ code: 200, location: undefined });
  });

  it.each([
    ["SSH-2.0-OpenSSH_9.2\r\n", /malformed HTTP response "SSH-2.0-OpenSSH_9.2"/],
    ["HTTP/1.1 two OK\r\n\r\n", /malformed HTTP response/],
    ["HTTP/1.1 200 OK\r\nno field\r\n\r\n", /malformed MIME header line/],
    ["HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", /bad Content-Length/],
    ["HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", /invalid byte in chunk length/],
    ["HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n", /malformed chunked encoding/],
    [`HTTP/1.1 200 OK\r\n${"a: b\r\n".repeat(20_000)}`, /exceeded the limit/],
    ["HTTP/1.1 103 Early Hints\r\n\r\n".repeat(6), /too many 1xx informational responses/],
  ])("is none where it is %j", (text, message) => {
    expect(() => parsed(text)).toThrow(message);
  });
});

describe("a probe over HTTP", () => {
  const servers: net.Server[] = [];
  afterEach(() => servers.splice(0).forEach((server) => server.close()));
  const listen = async (server: net.Server): Promise<string> => {
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  };

  it("asks with its fields, follows within the host, and is content with what node's server says", async () => {
    const seen: [string | undefined, string | undefined, string | undefined][] = [];
    const origin = await listen(
      http.createServer(({ url, headers }, response) => {
        seen.push([url, headers.host, headers["x-a"] as string]);
        if (url === "/there?a=1") return void response.end("x".repeat(100_000));
        response.writeHead(302, { location: "there?a=1" }).end();
      }),
    );
    expect(await getOverHttp(`${origin}/from`, { "x-a": "b" }, 5000)).toEqual({ isGood: true, message: "" });
    const host = origin.slice("http://".length);
    expect(seen).toEqual([
      ["/from", host, "b"],
      ["/there?a=1", host, "b"],
    ]);
    await getOverHttp(origin, { host: "its.name" }, 5000);
    expect(seen[2]?.[1]).toBe("its.name");
  });

  it("lets nobody send a field within a field", async () => {
    const answer = await getOverHttp("http://127.0.0.1:1/", { "x-a": "b\r\nx-c: d" }, 5000).catch(String);
    expect(answer).toMatchObject({ isGood: false, message: expect.stringContaining("invalid header field value") });
  });

  it("ends at its time, whatever the server does: nothing, or a body without end", async () => {
    const silent = await listen(net.createServer(() => undefined));
    const endless = await listen(
      net.createServer((socket) => {
        socket.on("error", () => undefined);
        socket.write("HTTP/1.1 200 OK\r\n\r\nhello");
      }),
    );
    for (const origin of [silent, endless]) {
      const { isGood, message } = await getOverHttp(origin, {}, 100);
      expect(isGood).toBe(false);
      expect(message).toContain("context deadline exceeded");
    }
  });

  it("asks over TLS whoever it is that answers", async () => {
    const folder = mkdtempSync(path.join(tmpdir(), "fairlead-probe-"));
    const { certFile, keyFile } = await ensureSelfSigned(folder, ["another.name"], Date.now());
    const [cert, key] = [certFile, keyFile].map((file) => readFileSync(file));
    rmSync(folder, { recursive: true });
    const origin = await listen(https.createServer({ cert, key }, (_, response) => response.end("ok")));
    const over = origin.replace("http:", "https:");
    expect(await getOverHttp(over, {}, 5000)).toEqual({ isGood: true, message: "" });
    const plain = await getOverHttp(origin, {}, 5000);
    expect(plain.isGood).toBe(false);
  });

  it("fails where the server goes before it answers", async () => {
    const origin = await listen(net.createServer((socket) => void socket.end()));
    expect(await getOverHttp(origin, {}, 5000)).toEqual({ isGood: false, message: `Get "${origin}": EOF` });
  });
});

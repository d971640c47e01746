/**
 * An API server that costs next to nothing: lists are bytes that were made before, a change is one event that goes out
 * as soon as it is asked for. What a proxy does is measured, not a server. Run as a process of its own:
 *
 *   node api_process.js SERVICES ENDPOINTS KEY CERT
 *
 * Says its port, then takes messages of {@link ApiMessage}. The first Service's endpoints are the given targets.
 */
import { readFileSync } from "node:fs";
import http2, { type Http2ServerRequest, type Http2ServerResponse } from "node:http2";
import { performance } from "node:perf_hooks";
import { endpointAddress, endpointAddresses, nodeObject, serviceObject, sliceObject } from "../content.ts";

export type ApiMessage =
  /** Replaces the first Service's endpoints. */
  | { readonly do: "targets"; readonly addresses: readonly string[] }
  /** Replaces an endpoint of Services one after another, so many a second, so long. */
  | { readonly do: "changes"; readonly rate: number; readonly seconds: number };
export type ApiAnswer =
  | { readonly port: number }
  /** When the event was handed to the system: nanoseconds of CLOCK_MONOTONIC. */
  | { readonly sentAtNs: string }
  | { readonly changes: number; readonly seconds: number };

const [services = 0, endpoints = 0] = process.argv.slice(2, 4).map(Number);
const [key = "", cert = ""] = process.argv.slice(4, 6);
let version = 500_000;

interface Collection {
  readonly apiVersion: string;
  readonly kind: string;
  readonly items: Buffer[];
  readonly watches: Set<Http2ServerResponse>;
}

const indexes = Array.from({ length: services }, (_, i) => i);
const parameters = { services, endpoints };
const json = (object: object): Buffer => Buffer.from(JSON.stringify(object));
const collection = (apiVersion: string, kind: string, items: readonly object[]): Collection => ({
  apiVersion,
  kind,
  items: items.map(json),
  watches: new Set(),
});
const slices = collection(
  "discovery.k8s.io/v1",
  "EndpointSliceList",
  indexes.map((i) => sliceObject(i, endpointAddresses(i, parameters))),
);
const collections: Readonly<Record<string, Collection>> = {
  "/api/v1/services": collection("v1", "ServiceList", indexes.map(serviceObject)),
  "/api/v1/nodes": collection("v1", "NodeList", [nodeObject()]),
  "/apis/discovery.k8s.io/v1/endpointslices": slices,
  "/apis/networking.k8s.io/v1/servicecidrs": collection("networking.k8s.io/v1", "ServiceCIDRList", []),
};

function answer(request: Http2ServerRequest, response: Http2ServerResponse): void {
  const url = new URL(request.url, "https://localhost");
  const found = request.method === "GET" ? collections[url.pathname] : undefined;
  if (!found) return void response.writeHead(request.method === "POST" ? 201 : 404).end("{}");
  response.setHeader("content-type", "application/json");
  if (!url.searchParams.has("watch")) return void response.end(page(found, url.searchParams));
  response.writeHead(200);
  found.watches.add(response);
  response.once("close", () => found.watches.delete(response));
  response.stream.on("error", () => undefined);
  // Headers go out with the first byte.
  response.write(eventOf("BOOKMARK", json({ metadata: { resourceVersion: String(version) } })));
}

function page({ apiVersion, kind, items }: Collection, query: URLSearchParams): Buffer {
  const from = Number(query.get("continue") ?? 0);
  const to = Math.min(items.length, from + Number(query.get("limit") || items.length));
  const next = to < items.length ? { continue: String(to) } : {};
  const head = JSON.stringify({ apiVersion, kind, metadata: { resourceVersion: String(version), ...next } });
  const parts: Buffer[] = [Buffer.from(`${head.slice(0, -1)},"items":[`)];
  for (let i = from; i < to; i++) parts.push(...(i > from ? [comma] : []), items[i]!);
  return Buffer.concat([...parts, Buffer.from("]}")]);
}
const comma = Buffer.from(",");

function eventOf(type: string, object: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`{"type":"${type}","object":`), object, Buffer.from("}\n")]);
}

function change(i: number, addresses: readonly string[]): void {
  const slice = json(sliceObject(i, addresses, String(++version)));
  slices.items[i] = slice;
  const event = eventOf("MODIFIED", slice);
  for (const watch of slices.watches) watch.write(event);
}

/** In steps of 5 ms, as timers allow. */
async function changes(rate: number, seconds: number): Promise<number> {
  const started = performance.now();
  let sent = 0;
  for (;;) {
    const passedMs = Math.min(performance.now() - started, seconds * 1000);
    for (; sent < (passedMs * rate) / 1000; sent++) {
      const i = 1 + (sent % (services - 1));
      const generation = 1 + Math.floor(sent / (services - 1));
      change(i, [endpointAddress(i, 0, generation), ...endpointAddresses(i, parameters).slice(1)]);
    }
    if (passedMs >= seconds * 1000) return sent;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

process.on("message", (message: ApiMessage) => {
  const tell = (said: ApiAnswer): void => void process.send!(said);
  if (message.do === "targets") {
    const sentAtNs = process.hrtime.bigint();
    change(0, message.addresses);
    return tell({ sentAtNs: String(sentAtNs) });
  }
  const { rate, seconds } = message;
  void changes(rate, seconds).then((count) => tell({ changes: count, seconds }));
});
process.on("disconnect", () => process.exit());

const server = http2.createSecureServer(
  { key: readFileSync(key), cert: readFileSync(cert), allowHTTP1: true, settings: { initialWindowSize: 1 << 20 } },
  answer,
);
server.listen(0, "127.0.0.1", () => {
  const { port } = server.address() as { port: number };
  process.send!({ port } satisfies ApiAnswer);
});

/**
 * What metricsBindAddress serves, as kube-proxy (cmd/kube-proxy/app/server.go, serveMetrics). Profiles of Go's runtime,
 * which enableProfiling adds there, are none of ours.
 */
import type { Registry } from "prom-client";
import { routes, type HttpHandler } from "../../http/listener.ts";
import type { ServerCount } from "../../model/server_count.ts";
import type { FrontendCount } from "../../model/service.ts";
import { renderFrontendCounts } from "./frontend_counters.ts";
import { renderServerCounts } from "./server_counters.ts";

export interface MetricsSources {
  readonly registry: Registry;
  /** The mode that is used. */
  readonly mode: string;
  /** What /configz shows. */
  readonly configz: object;
  /** Reads the kernel: only when somebody asks. Undefined where the mode counts nothing. */
  readonly frontendCounts?: () => Promise<readonly FrontendCount[]>;
  /** The same, of virtual servers. */
  readonly serverCounts?: (() => Promise<readonly ServerCount[]>) | undefined;
}

export function metricsRoutes({ registry, mode, configz, frontendCounts, serverCounts }: MetricsSources): HttpHandler {
  const text = { contentType: registry.contentType };
  const servers = serverCounts && once(serverCounts);
  return routes({
    "/metrics": async () => ({ code: 200, ...text, body: await registry.metrics() }),
    ...(frontendCounts && {
      "/metrics/frontends": once(async () => ({
        code: 200,
        ...text,
        body: await renderFrontendCounts(await frontendCounts()),
      })),
    }),
    ...(servers && {
      "/metrics/servers": async () => ({ code: 200, ...text, body: renderServerCounts(await servers()) }),
    }),
    "/proxyMode": () => ({ code: 200, body: mode }),
    "/configz": () => ({ code: 200, contentType: "application/json", body: JSON.stringify(configz) }),
    "/healthz": ({ query }) => ({
      code: 200,
      body: query.has("verbose") ? "[+]ping ok\nhealthz check passed\n" : "ok",
    }),
    "/healthz/ping": () => ({ code: 200, body: "ok" }),
  });
}

/** Those who ask while an answer is being made get that one. */
function once<A extends unknown[], T>(make: (...given: A) => T | Promise<T>): (...given: A) => Promise<T> {
  let making: Promise<T> | undefined;
  return async (...given) => {
    making ??= Promise.resolve(make(...given)).finally(() => (making = undefined));
    return making;
  };
}

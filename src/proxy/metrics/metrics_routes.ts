/**
 * What metricsBindAddress serves, as kube-proxy (cmd/kube-proxy/app/server.go, serveMetrics). Profiles of Go's runtime,
 * which enableProfiling adds there, are none of ours.
 */
import type { Registry } from "prom-client";
import { routes, type HttpHandler } from "../../http/listener.ts";
import type { FrontendCount } from "../../model/service.ts";
import { renderFrontendCounts } from "./frontend_counters.ts";

export interface MetricsSources {
  readonly registry: Registry;
  /** The mode that is used. */
  readonly mode: string;
  /** What /configz shows. */
  readonly configz: object;
  /** Reads the kernel: only when somebody asks. Undefined where the mode counts nothing. */
  readonly frontendCounts?: () => Promise<readonly FrontendCount[]>;
}

export function metricsRoutes({ registry, mode, configz, frontendCounts }: MetricsSources): HttpHandler {
  const text = { contentType: registry.contentType };
  return routes({
    "/metrics": async () => ({ code: 200, ...text, body: await registry.metrics() }),
    ...(frontendCounts && {
      "/metrics/frontends": once(async () => ({
        code: 200,
        ...text,
        body: await renderFrontendCounts(await frontendCounts()),
      })),
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
function once(handler: HttpHandler): HttpHandler {
  let making: ReturnType<HttpHandler> | undefined;
  return async (request) => {
    making ??= Promise.resolve(handler(request)).finally(() => (making = undefined));
    return making;
  };
}

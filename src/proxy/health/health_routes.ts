/** /healthz and /livez of healthzBindAddress. */
import { routes, type HttpAnswer, type HttpHandler } from "../../http/listener.ts";
import type { HealthBody, ProxyHealth } from "./proxy_health.ts";

export type ProbeName = "healthz" | "livez";

/** @param onProbe told of each answer: proxy_healthz_total and proxy_livez_total */
export function healthRoutes(health: ProxyHealth, onProbe: (probe: ProbeName, code: number) => void): HttpHandler {
  const answer = (probe: ProbeName, isGood: boolean, body: HealthBody): HttpAnswer => {
    const code = isGood ? 200 : 503;
    onProbe(probe, code);
    return { code, contentType: "application/json", body: JSON.stringify(body) };
  };
  return routes({
    "/healthz": () => {
      const body = health.healthz();
      return answer("healthz", body.healthy && body.nodeEligible === true, body);
    },
    "/livez": () => {
      const body = health.livez();
      return answer("livez", body.healthy, body);
    },
  });
}

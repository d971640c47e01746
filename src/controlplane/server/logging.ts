/** What the server says of requests. */
import type { Logger } from "pino";
import type { RequestRecord } from "../apiserver/http/observer.ts";

/** From this verbosity on, every request has its line. */
export const requestVerbosity = 4;

/** A line for each request, in upstream's fields (apiserver, server/httplog). */
export function requestLog(log: Logger): (record: RequestRecord) => void {
  return ({ info, method, uri, latencyMs, userAgent, auditId, remoteAddress, code }) => {
    const verb = info && !info.verb.startsWith("http:") ? info.verb : method.toLowerCase();
    const fields = {
      verb: verb.toUpperCase(),
      URI: uri,
      latency: `${latencyMs.toFixed(3)}ms`,
      userAgent,
      "audit-ID": auditId,
      srcIP: remoteAddress,
      resp: code,
    };
    log.info(fields, "HTTP");
  };
}

/** /healthz, /livez and /readyz with their single checks (apiserver, server/healthz). */
import type { ApiResponse, RequestContext } from "../context.ts";
import { ApiError } from "../status.ts";

type Endpoint = "healthz" | "livez" | "readyz";

export interface HealthCheck {
  readonly name: string;
  /** Where it is asked; default: everywhere. */
  readonly of?: readonly Endpoint[];
  /** @throws why it fails */
  readonly check: () => unknown;
}

/** Bound of one check, in ms (upstream's of etcd). */
const checkTimeoutMs = 2000;
const healthPath = /^\/(healthz|livez|readyz)(?:\/(.+))?$/;

export class Health {
  readonly #checks: HealthCheck[] = [{ name: "ping", check: () => undefined }];
  #isStopping = false;

  constructor(checks: readonly HealthCheck[]) {
    this.#checks.push(...checks, {
      name: "shutdown",
      of: ["readyz"],
      check: () => {
        if (this.#isStopping) throw new Error("process is shutting down");
      },
    });
  }

  /** Something that goes on after the start: not healthy before it is done. @returns called when it is */
  postStartHook(name: string): () => void {
    let isDone = false;
    this.#checks.splice(-1, 0, {
      name: `poststarthook/${name}`,
      check: () => {
        if (!isDone) throw new Error("not finished");
      },
    });
    return () => (isDone = true);
  }

  /** From now on the server is not ready. */
  stop(): void {
    this.#isStopping = true;
  }

  /** @returns undefined for paths of others @throws ApiError 404 where there is no such check */
  async respond({ info, query }: Pick<RequestContext, "info" | "query">): Promise<ApiResponse | undefined> {
    const match = healthPath.exec(info.path);
    if (!match) return undefined;
    const endpoint = match[1] as Endpoint;
    const checks = this.#checks.filter((check) => check.of?.includes(endpoint) ?? true);
    if (match[2] === undefined) return this.#all(endpoint, checks, query);
    const one = checks.find(({ name }) => name === match[2]);
    if (!one) throw new ApiError("NotFound", "the server could not find the requested resource");
    const error = await failureOf(one);
    return error === undefined ? text(200, "ok") : text(500, `internal server error: ${error}\n`);
  }

  async #all(endpoint: Endpoint, checks: readonly HealthCheck[], query: URLSearchParams): Promise<ApiResponse> {
    const excluded = new Set(query.getAll("exclude"));
    const failures = await Promise.all(
      checks.map((check) => (excluded.has(check.name) ? Promise.resolve(undefined) : failureOf(check))),
    );
    const lines = checks.map(({ name }, i) => {
      if (excluded.has(name)) return `[+]${name} excluded: ok`;
      // Why is for the log and for who may ask for the single check.
      return failures[i] === undefined ? `[+]${name} ok` : `[-]${name} failed: reason withheld`;
    });
    const unknown = [...excluded].filter((name) => !checks.some((check) => check.name === name));
    if (unknown.length > 0) {
      const names = unknown.map((name) => JSON.stringify(name)).join(",");
      lines.push(`warn: some health checks cannot be excluded: no matches for ${names}`);
    }
    const isHealthy = failures.every((failure) => failure === undefined);
    if (isHealthy && !query.has("verbose")) return text(200, "ok");
    return text(isHealthy ? 200 : 500, `${lines.join("\n")}\n${endpoint} check ${isHealthy ? "passed" : "failed"}\n`);
  }
}

/** @returns undefined where the check passes in time */
async function failureOf({ check }: HealthCheck): Promise<string | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${checkTimeoutMs} ms`)), checkTimeoutMs);
  });
  try {
    await Promise.race([check(), timeout]);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  } finally {
    clearTimeout(timer);
  }
}

function text(code: number, body: string): ApiResponse {
  const headers = { "X-Content-Type-Options": "nosniff" };
  return { code, contentType: "text/plain; charset=utf-8", body: Buffer.from(body), headers };
}

/** /healthz, whole or one check of it (apiserver, pkg/server/healthz). */
import { sendText, type Endpoint } from "./endpoint.ts";

/** Undefined: all is well; else why not. */
export type Check = () => string | undefined;

export interface HealthAnswer {
  readonly code: number;
  readonly body: string;
}

export function healthOf(checks: Readonly<Record<string, Check>>, isVerbose: boolean): HealthAnswer {
  const found = Object.entries(checks).map(([name, check]) => [name, check()] as const);
  const isWell = found.every(([, problem]) => problem === undefined);
  if (isWell && !isVerbose) return { code: 200, body: "ok" };
  const lines = found.map(([name, problem]) =>
    problem === undefined ? `[+]${name} ok\n` : `[-]${name} failed: reason withheld\n`,
  );
  return { code: isWell ? 200 : 500, body: `${lines.join("")}healthz check ${isWell ? "passed" : "failed"}\n` };
}

export function healthEndpoints(checks: Readonly<Record<string, Check>>): readonly Endpoint[] {
  const whole: Endpoint = {
    path: "/healthz",
    isReadOnly: true,
    answer({ query }, response) {
      const { code, body } = healthOf(checks, query.has("verbose"));
      sendText(response, code, body);
    },
  };
  const single = Object.entries(checks).map(([name, check]): Endpoint => ({
    path: `/healthz/${name}`,
    isReadOnly: true,
    answer(_asked, response) {
      const problem = check();
      if (problem === undefined) sendText(response, 200, "ok");
      else sendText(response, 500, `internal server error: ${problem}\n`);
    },
  }));
  return [whole, ...single];
}

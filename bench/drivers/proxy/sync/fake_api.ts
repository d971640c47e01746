/** The driver's end of the API server that costs next to nothing. */
import { execFileSync, type ChildProcess } from "node:child_process";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import type { Cleanup } from "../../../driver.ts";
import { scratchFolder } from "../../../namespace.ts";
import { compiled } from "../../api/loader.ts";
import { end, endsEarly } from "../../api/processes.ts";
import type { ProxyParameters } from "../content.ts";
import type { ApiAnswer, ApiMessage } from "./api_process.ts";
import { spawnIn, type Network } from "./network.ts";

const startTimeoutMs = 120_000;

export class FakeApi {
  readonly kubeconfig: string;
  readonly #child: ChildProcess;
  readonly #ended: Promise<never>;

  private constructor(child: ChildProcess, ended: Promise<never>, kubeconfig: string) {
    this.#child = child;
    this.#ended = ended;
    this.kubeconfig = kubeconfig;
  }

  static async start({ node }: Network, parameters: ProxyParameters, cleanup: Cleanup): Promise<FakeApi> {
    const folder = scratchFolder(cleanup);
    const [key, cert] = [path.join(folder, "key"), path.join(folder, "cert")];
    const subject = ["-subj", "/CN=bench", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2"];
    const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"];
    execFileSync("openssl", ["req", "-x509", "-nodes", ...curve, ...subject, "-keyout", key, "-out", cert], {
      stdio: "ignore",
    });
    const script = fileURLToPath(new URL("api_process.js", compiled(import.meta.url)));
    const size = [String(parameters.services), String(parameters.endpoints)];
    const child = spawnIn(node, [process.execPath, script, ...size, key, cert], {
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
    cleanup.add(() => end(child));
    const ended = endsEarly(child, "the API server");
    ended.catch(() => undefined);
    const { port } = (await Promise.race([answerOf(child, startTimeoutMs), ended])) as { port: number };
    const kubeconfig = path.join(folder, "kubeconfig");
    writeFileSync(kubeconfig, kubeconfigText(port, cert), { mode: 0o600 });
    return new FakeApi(child, ended, kubeconfig);
  }

  get pid(): number {
    return this.#child.pid!;
  }

  /** Changes the first Service's endpoints. @returns when the event went out, in ms of CLOCK_MONOTONIC */
  async target(addresses: readonly string[]): Promise<number> {
    const { sentAtNs } = (await this.#ask({ do: "targets", addresses }, 10_000)) as { sentAtNs: string };
    return Number(BigInt(sentAtNs)) / 1e6;
  }

  /** @returns how many changes were made */
  async change(rate: number, seconds: number): Promise<number> {
    const { changes } = (await this.#ask({ do: "changes", rate, seconds }, seconds * 2000 + 30_000)) as {
      changes: number;
    };
    return changes;
  }

  #ask(message: ApiMessage, timeoutMs: number): Promise<ApiAnswer> {
    const wanted = message.do === "targets" ? "sentAtNs" : "changes";
    const answer = answerOf(this.#child, timeoutMs, wanted);
    this.#child.send(message);
    return Promise.race([answer, this.#ended]);
  }
}

function answerOf(child: ChildProcess, timeoutMs: number, field = "port"): Promise<ApiAnswer> {
  return new Promise<ApiAnswer>((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
    const look = (said: ApiAnswer): void => {
      if (!(field in said)) return;
      clearTimeout(late);
      child.off("message", look);
      resolve(said);
    };
    child.on("message", look);
  });
}

function kubeconfigText(port: number, ca: string): string {
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "c", cluster: { server: `https://127.0.0.1:${port}`, "certificate-authority": ca } }],
    users: [{ name: "u", user: { token: "none is checked" } }],
    contexts: [{ name: "c", context: { cluster: "c", user: "u" } }],
    "current-context": "c",
  });
}

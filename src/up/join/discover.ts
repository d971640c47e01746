/** Finds the cluster behind an address, and makes sure that it is the one that the token is of. */
import https from "node:https";
import { setTimeout as sleep } from "node:timers/promises";
import { FairleadError } from "../../errors/catalogue.ts";
import { clusterInfo } from "./render.ts";
import type { BootstrapToken } from "./token.ts";
import { decodeClusterInfo, isSignedBy, publicKeyHash, type Discovered } from "./verify.ts";

export interface Discovery {
  /** `https://host:port` */
  readonly server: string;
  readonly token: BootstrapToken;
  /** Of the authority's public key, any of them; none: it is not checked. */
  readonly hashes: readonly string[];
  /** A token that was made a moment ago is not signed for yet, in ms. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

const lookMs = 100;
const askMs = 10_000;
const mostBytes = 1 << 20;

/** @throws FairleadError NODE_JOIN */
export async function discover(discovery: Discovery): Promise<Discovered> {
  const { server, hashes, timeoutMs, signal } = discovery;
  for (const until = Date.now() + timeoutMs; ; await sleep(lookMs, undefined, { signal })) {
    const found = await look(discovery).catch((error: unknown) => error as Error);
    if (typeof found === "string") return checked(server, found, hashes);
    // What is not there yet is waited for; what is wrong is not.
    if (found instanceof FairleadError || Date.now() > until) throw refused(server, found.message);
  }
}

async function look({ server, token }: Discovery): Promise<string> {
  // Nothing of the answer is believed before its signature is: nobody but the cluster and who has the token can make it.
  const text = await signedInfo(server, token, { rejectUnauthorized: false });
  const { authority } = attempt(server, () => decodeClusterInfo(text));
  // By the authority that it names: else somebody in between would have passed it on.
  const again = await signedInfo(server, token, { ca: authority });
  if (again !== text) throw refused(server, "its cluster-info changed meanwhile");
  return text;
}

function checked(server: string, text: string, hashes: readonly string[]): Discovered {
  const found = attempt(server, () => decodeClusterInfo(text));
  const hash = attempt(server, () => publicKeyHash(found.authority));
  if (hashes.length > 0 && !hashes.includes(hash)) {
    throw refused(server, `its authority's public key is ${hash}, which --discovery-token-ca-cert-hash does not name`);
  }
  return found;
}

async function signedInfo(server: string, token: BootstrapToken, tls: https.RequestOptions): Promise<string> {
  const { namespace, name } = clusterInfo;
  const { data = {} } = await ask(`${server}/api/v1/namespaces/${namespace}/configmaps/${name}`, tls);
  const { kubeconfig, [`jws-kubeconfig-${token.id}`]: signature } = data;
  if (kubeconfig === undefined) throw new Error("its cluster-info has no kubeconfig");
  if (signature === undefined) {
    throw new Error(`its cluster-info is not signed for token ${token.id}: the token is over, or was never made`);
  }
  if (!isSignedBy(token, kubeconfig, signature)) throw refused(server, "its cluster-info is not signed by this token");
  return kubeconfig;
}

function ask(url: string, tls: https.RequestOptions): Promise<{ readonly data?: Readonly<Record<string, string>> }> {
  return new Promise((resolve, reject) => {
    const request = https.get(url, { ...tls, agent: false, timeout: askMs }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (part: string) => {
        text += part;
        if (text.length > mostBytes) request.destroy(new Error("its answer has no end"));
      });
      response.on("error", reject);
      response.on("end", () => {
        if (response.statusCode !== 200)
          return reject(new Error(`it answered ${response.statusCode} for cluster-info`));
        try {
          resolve(JSON.parse(text) as { data?: Record<string, string> });
        } catch (error) {
          reject(new Error("its answer is no JSON", { cause: error }));
        }
      });
    });
    request.on("timeout", () => request.destroy(new Error(`no answer within ${askMs / 1000} s`)));
    request.on("error", reject);
  });
}

function attempt<T>(server: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw refused(server, (error as Error).message);
  }
}

function refused(server: string, reason: string): FairleadError {
  return new FairleadError("NODE_JOIN", { subject: server, reason });
}

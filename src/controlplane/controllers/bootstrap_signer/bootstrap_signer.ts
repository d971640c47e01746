/** Signs cluster-info with each bootstrap token, so that who has one can tell that it is ours. */
import { createHmac } from "node:crypto";
import { Informer } from "../../../api/informer.ts";
import { resourceTypes } from "../../../api/resource_types.ts";
import type { ConfigMap } from "../../../model/kubernetes.ts";
import type { Outcome } from "../../../reconcile/work_queue.ts";
import type { Controller, ControllerContext, ControllerRow } from "../controller.ts";
import { controllerQueue } from "../queue.ts";
import { expiresInMs, signingToken, type SigningToken } from "../token_cleaner/bootstrap_token.ts";
import { tokenInformer } from "../token_cleaner/token_cleaner.ts";
import { clusterInfo, signedText, withSignatures } from "./plan.ts";

const { configMaps } = resourceTypes;
const name = "bootstrap-signer-controller";
const key = `${clusterInfo.namespace}/${clusterInfo.name}`;

export const bootstrapSignerController: ControllerRow = { name, account: "bootstrap-signer", offByDefault: true, make };

function make(context: ControllerContext): Controller {
  const { client, clock, log } = context;
  const tokens = tokenInformer(context, name);
  const infos = new Informer<ConfigMap>(client, configMaps, {
    namespace: clusterInfo.namespace,
    fieldSelector: `metadata.name=${clusterInfo.name}`,
    clock,
    onError: (err) => log.warn({ controller: name, err }, "cannot follow cluster-info; it is tried again"),
  });
  const queue = controllerQueue(context, { name, workers: 1, reconcile });

  async function reconcile(): Promise<Outcome> {
    const info = infos.objects.get(key);
    const text = info && signedText(info);
    if (text === undefined) return undefined;
    const nowMs = clock.now();
    const secrets = [...tokens.objects.values()];
    const signing = secrets.map((secret) => signingToken(secret, nowMs)).filter((one) => one !== undefined);
    const changed = withSignatures(info!, new Map(signing.map((token) => [token.id, detachedSignature(text, token)])));
    if (changed) await infos.saw(await client.update(configMaps, changed));
    // A token that ends signs no more.
    const ends = secrets.map((secret) => expiresInMs(secret, nowMs)).filter((ms) => ms !== undefined && ms > 0);
    return ends.length === 0 ? undefined : { againAfterMs: Math.min(...(ends as number[])) + 1 };
  }

  const onChange = (): void => queue.add(key);
  for (const informer of [tokens, infos]) {
    informer.subscribe({ onAdd: onChange, onUpdate: onChange, onDelete: onChange });
  }
  return {
    start() {
      tokens.start();
      infos.start();
      void Promise.all([tokens.synced(10_000), infos.synced(10_000)]).then(() => queue.start());
    },
    async stop() {
      tokens.stop();
      infos.stop();
      await queue.stop();
    },
  };
}

/** A JWS in its compact form without the payload (RFC 7515, appendix F), HS256 by the whole token. */
function detachedSignature(text: string, { id, secret }: SigningToken): string {
  const header = Buffer.from(JSON.stringify({ alg: "HS256", kid: id })).toString("base64url");
  const payload = Buffer.from(text).toString("base64url");
  const signature = createHmac("sha256", `${id}.${secret}`).update(`${header}.${payload}`).digest("base64url");
  return `${header}..${signature}`;
}

/** Deletes bootstrap tokens that are over (upstream: pkg/controller/bootstrap/tokencleaner.go). */
import { Informer } from "../../../api/informer.ts";
import { keyOf, keyText } from "../../../api/client.ts";
import { resourceTypes } from "../../../api/resource_types.ts";
import { isNotFound } from "../../../api/status_error.ts";
import type { Secret } from "../../../model/kubernetes.ts";
import type { Outcome } from "../../../reconcile/work_queue.ts";
import type { Controller, ControllerContext, ControllerRow } from "../controller.ts";
import { controllerQueue } from "../queue.ts";
import { expiresInMs, isTokenSecret, tokenNamespace, tokenSecretType } from "./bootstrap_token.ts";

const { secrets } = resourceTypes;
const name = "token-cleaner-controller";

export const tokenCleanerController: ControllerRow = { name, account: "token-cleaner", offByDefault: true, make };

function make(context: ControllerContext): Controller {
  const { client, clock } = context;
  const tokens = tokenInformer(context, name);
  const queue = controllerQueue(context, { name, reconcile });

  async function reconcile(key: string): Promise<Outcome> {
    const secret = tokens.objects.get(key);
    if (!secret || !isTokenSecret(secret)) return undefined;
    const leftMs = expiresInMs(secret, clock.now());
    if (leftMs === undefined) return undefined;
    if (leftMs > 0) return { againAfterMs: leftMs };
    const { uid } = secret.metadata;
    await client.delete(secrets, keyOf(secret), { preconditions: { uid } }).catch((error: unknown) => {
      if (!isNotFound(error)) throw error;
    });
    return undefined;
  }

  const onToken = (secret: Secret): void => queue.add(keyText(keyOf(secret)));
  tokens.subscribe({ onAdd: onToken, onUpdate: (_, secret) => onToken(secret) });
  return {
    start() {
      tokens.start();
      queue.start();
    },
    async stop() {
      tokens.stop();
      await queue.stop();
    },
  };
}

/** Bootstrap tokens alone: other Secrets are nobody's matter here. */
export function tokenInformer({ client, clock, log }: ControllerContext, of: string): Informer<Secret> {
  return new Informer<Secret>(client, secrets, {
    namespace: tokenNamespace,
    fieldSelector: `type=${tokenSecretType}`,
    clock,
    onError: (err) => log.warn({ controller: of, err }, "cannot follow bootstrap tokens; it is tried again"),
  });
}

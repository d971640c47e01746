/** Whether somebody may: as the API server says (SubjectAccessReview), or always. */
import type { Client } from "../../../api/client.ts";
import { resourceTypes } from "../../../api/resource_types.ts";
import type { KubeletConfiguration } from "../../../config/kubelet.ts";
import { Refusal } from "../refusal.ts";
import type { NodeAttributes } from "./attributes.ts";
import { TtlCache } from "./ttl_cache.ts";
import type { User } from "./user.ts";

/** Reviews that are kept at one time, and the longest that is kept at all (webhook.New): others are asked each time. */
const cacheSize = 8192;
const maxKeyLength = 10_000;

export class Authorizer {
  readonly #settings: KubeletConfiguration["authorization"];
  readonly #client: Client;
  readonly #node: string;
  readonly #reviews: TtlCache<boolean>;

  constructor(settings: KubeletConfiguration["authorization"], client: Client, node: string, now: () => number) {
    this.#settings = settings;
    this.#client = client;
    this.#node = node;
    this.#reviews = new TtlCache(cacheSize, now);
  }

  /** @throws Refusal 403, 500 in upstream's words */
  async authorize(user: User, { verb, subresources }: NodeAttributes): Promise<void> {
    if (this.#settings.mode === "AlwaysAllow") return;
    const { username } = user;
    for (const subresource of subresources) {
      const isAllowed = await this.#review(user, verb, subresource).catch(() => {
        const about = `user=${username}, verb=${verb}, resource=nodes, subresource=${subresource}`;
        throw new Refusal(500, `Authorization error (${about})`);
      });
      if (isAllowed) return;
    }
    const about = `user=${username}, verb=${verb}, resource=nodes, subresource(s)=[${subresources.join(" ")}]`;
    throw new Refusal(403, `Forbidden (${about})\n`);
  }

  #review({ username, uid, groups, extra }: User, verb: string, subresource: string): Promise<boolean> {
    const resourceAttributes = { verb, version: "v1", resource: "nodes", subresource, name: this.#node };
    const spec = {
      resourceAttributes,
      user: username,
      groups: [...groups],
      ...(uid === undefined ? {} : { uid }),
      ...(extra === undefined ? {} : { extra }),
    };
    const { cacheAuthorizedTTL, cacheUnauthorizedTTL } = this.#settings.webhook;
    const key = JSON.stringify(spec);
    const ask = (): Promise<boolean> => this.#ask(spec);
    if (key.length > maxKeyLength) return ask();
    return this.#reviews.get(key, ask, (isAllowed) => (isAllowed ? cacheAuthorizedTTL : cacheUnauthorizedTTL));
  }

  async #ask(spec: object): Promise<boolean> {
    const { status } = await this.#client.create(resourceTypes.subjectAccessReviews, { metadata: {}, spec });
    return status?.allowed === true && status.denied !== true;
  }
}

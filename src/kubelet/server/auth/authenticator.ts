/** Who sends a request to the kubelet: by certificate, by a token that the API server knows, or nobody in particular. */
import { createHash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { TLSSocket } from "node:tls";
import type { Client } from "../../../api/client.ts";
import { resourceTypes } from "../../../api/resource_types.ts";
import type { KubeletConfiguration } from "../../../config/kubelet.ts";
import { TtlCache } from "./ttl_cache.ts";
import { anonymous, authenticated, type User } from "./user.ts";

/** Tokens whose reviews are kept at one time. */
const cacheSize = 4096;

type Settings = KubeletConfiguration["authentication"];

export class Authenticator {
  readonly #settings: Settings;
  readonly #client: Client;
  readonly #reviews: TtlCache<User | undefined>;

  constructor(settings: Settings, client: Client, now: () => number) {
    this.#settings = settings;
    this.#client = client;
    this.#reviews = new TtlCache(cacheSize, now);
  }

  /** @returns undefined: 401. @throws Error where the API server cannot be asked: 401 as well */
  async authenticate(request: IncomingMessage): Promise<User | undefined> {
    const certificate = certificateOf(request);
    if (certificate.user) return certificate.user;
    const token = bearerToken(request);
    const isWebhook = this.#settings.webhook.enabled;
    const user = token === undefined || !isWebhook ? undefined : await this.#review(token);
    if (user) return user;
    // Credentials that are wrong make nobody anonymous.
    if (certificate.isRefused || (token !== undefined && isWebhook)) return undefined;
    return this.#settings.anonymous.enabled ? anonymous : undefined;
  }

  #review(token: string): Promise<User | undefined> {
    const ttlMs = this.#settings.webhook.cacheTTL;
    // A key that a dump of memory does not give away.
    const key = createHash("sha256").update(token).digest("base64");
    return this.#reviews.get(
      key,
      () => this.#ask(token),
      () => ttlMs,
    );
  }

  async #ask(token: string): Promise<User | undefined> {
    const { status } = await this.#client.create(resourceTypes.tokenReviews, {
      metadata: {},
      spec: { token },
    });
    const { authenticated: isKnown = false, user } = status ?? {};
    if (!isKnown || !user) return undefined;
    const { username = "", uid, groups = [], extra } = user;
    return authenticated({ username, groups, ...(uid ? { uid } : {}), ...(extra ? { extra } : {}) });
  }
}

function bearerToken({ headers }: IncomingMessage): string | undefined {
  return /^Bearer\s+(\S+)\s*$/i.exec(headers.authorization ?? "")?.[1];
}

interface CertificateUser {
  readonly user?: User;
  /** One came that does not verify, or whose time is over. */
  readonly isRefused?: boolean;
}

/** What a connection's certificate says is read once. */
const certificates = new WeakMap<TLSSocket, CertificateUser & { readonly endsMs: number }>();

function certificateOf({ socket }: IncomingMessage): CertificateUser {
  if (!(socket instanceof TLSSocket)) return {};
  let read = certificates.get(socket);
  if (!read) certificates.set(socket, (read = readCertificate(socket)));
  return read.endsMs > Date.now() ? read : { isRefused: true };
}

function readCertificate(socket: TLSSocket): CertificateUser & { readonly endsMs: number } {
  const peer = socket.getPeerCertificate() as Partial<ReturnType<TLSSocket["getPeerCertificate"]>>;
  if (!peer.raw) return { endsMs: Infinity };
  if (!socket.authorized) return { isRefused: true, endsMs: Infinity };
  const subject = (peer.subject ?? {}) as unknown as Record<string, string | string[] | undefined>;
  const [username = ""] = [subject["CN"] ?? ""].flat();
  const endsMs = Date.parse(peer.valid_to ?? "");
  if (username === "") return { endsMs };
  const sha256 = (peer.fingerprint256 ?? "").replaceAll(":", "").toLowerCase();
  // KEP-4193
  const extra = { "authentication.kubernetes.io/credential-id": [`X509SHA256=${sha256}`] };
  return { user: authenticated({ username, groups: [subject["O"] ?? []].flat(), extra }), endsMs };
}

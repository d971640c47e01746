/** Credentials as they come with a request: a bearer token, a client certificate. */
import type { TLSSocket } from "node:tls";
import type { Credentials } from "../auth/authenticator.ts";
import type { Request } from "./body.ts";

export function credentialsOf(request: Request): Credentials {
  const socket = ("stream" in request && request.stream?.session?.socket) || request.socket;
  return { token: bearerToken(request), ...clientCertificate(socket as TLSSocket) };
}

/** Where a browser cannot set headers, the token comes as a WebSocket subprotocol (base64url). */
const tokenProtocol = "base64url.bearer.authorization.k8s.io.";

function bearerToken(request: Request): string | undefined {
  const header = /^Bearer\s+(\S+)\s*$/i.exec(request.headers.authorization ?? "")?.[1];
  if (header !== undefined) return header;
  const protocols = (request.headers["sec-websocket-protocol"] ?? "").split(",");
  const encoded = protocols.map((protocol) => protocol.trim()).find((protocol) => protocol.startsWith(tokenProtocol));
  return encoded && Buffer.from(encoded.slice(tokenProtocol.length), "base64url").toString();
}

type CertificateCredentials = Pick<Credentials, "certificate" | "certificateRefused">;

/** What a connection's certificate says is read once: parsing it costs more than many a request. */
const certificates = new WeakMap<TLSSocket, CertificateCredentials & { readonly endsMs: number }>();

function clientCertificate(socket: TLSSocket): CertificateCredentials {
  // A session of HTTP/2 shows its socket through a proxy, which answers reads alone.
  if (typeof socket.getPeerCertificate !== "function") return { certificate: undefined };
  let read = certificates.get(socket);
  if (!read) certificates.set(socket, (read = readCertificate(socket)));
  // A connection may outlive the certificate that it began with.
  return read.endsMs > Date.now() ? read : { certificate: undefined, certificateRefused: true };
}

function readCertificate(socket: TLSSocket): CertificateCredentials & { readonly endsMs: number } {
  const peer = socket.getPeerCertificate() as Partial<ReturnType<TLSSocket["getPeerCertificate"]>>;
  if (!peer.raw) return { certificate: undefined, endsMs: Infinity };
  if (!socket.authorized) return { certificate: undefined, certificateRefused: true, endsMs: Infinity };
  const subject = (peer.subject ?? {}) as unknown as Record<string, string | string[] | undefined>;
  const certificate = {
    commonName: [subject["CN"] ?? ""].flat()[0]!,
    organizations: [subject["O"] ?? []].flat(),
    sha256: (peer.fingerprint256 ?? "").replaceAll(":", "").toLowerCase(),
  };
  return { certificate, endsMs: Date.parse(peer.valid_to ?? "") };
}

/** Bootstrap tokens in kubeadm's shape (kubeadm, apis/bootstraptoken): "abcdef.0123456789abcdef". Pure. */
import type { New, Secret } from "../../model/kubernetes.ts";

export interface BootstrapToken {
  readonly id: string;
  readonly secret: string;
}

/** The group that kubeadm's tokens are of: what a joining node may do is bound to it. */
export const joiningGroup = "system:bootstrappers:kubeadm:default-node-token";
const letters = "abcdefghijklmnopqrstuvwxyz0123456789";
const idLength = 6;
const secretLength = 16;

/** @param random as many bytes as it is asked for */
export function makeToken(random: (count: number) => Uint8Array): BootstrapToken {
  return { id: textOf(random, idLength), secret: textOf(random, secretLength) };
}

function textOf(random: (count: number) => Uint8Array, length: number): string {
  // Each letter as likely as any other: bytes beyond the last whole multiple are thrown again.
  const limit = 256 - (256 % letters.length);
  let text = "";
  while (text.length < length) {
    for (const byte of random(length))
      if (byte < limit && text.length < length) text += letters.charAt(byte % letters.length);
  }
  return text;
}

/** @returns undefined where it is none */
export function parseToken(text: string): BootstrapToken | undefined {
  const [, id, secret] = /^([a-z0-9]{6})\.([a-z0-9]{16})$/.exec(text) ?? [];
  return id === undefined || secret === undefined ? undefined : { id, secret };
}

export function tokenText({ id, secret }: BootstrapToken): string {
  return `${id}.${secret}`;
}

/** The Secret by which the API server knows it. @param expiration undefined: it never ends */
export function renderTokenSecret(
  { id, secret }: BootstrapToken,
  expiration?: Date,
  description?: string,
): New<Secret> {
  const fields = {
    "token-id": id,
    "token-secret": secret,
    "usage-bootstrap-authentication": "true",
    "usage-bootstrap-signing": "true",
    "auth-extra-groups": joiningGroup,
    ...(expiration === undefined ? {} : { expiration: expiration.toISOString().replace(/\.\d+Z$/, "Z") }),
    ...(description === undefined ? {} : { description }),
  };
  const data = Object.entries(fields).map(([name, text]) => [name, Buffer.from(text).toString("base64")]);
  return {
    metadata: { name: tokenSecretName(id), namespace: "kube-system" },
    type: "bootstrap.kubernetes.io/token",
    data: Object.fromEntries(data) as Record<string, string>,
  };
}

export function tokenSecretName(id: string): string {
  return `bootstrap-token-${id}`;
}

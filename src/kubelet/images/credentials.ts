/** imagePullSecrets: what a docker configuration says of an image's registry (pkg/credentialprovider). */
import type { AuthConfig } from "../cri/messages.ts";

interface DockerEntry {
  readonly username?: string;
  readonly password?: string;
  readonly auth?: string;
  readonly identitytoken?: string;
}

/** @param secrets the secrets' data @param image with or without a registry */
export function credentialsFor(image: string, secrets: readonly ReadonlyMap<string, Buffer>[]): readonly AuthConfig[] {
  const entries = secrets.flatMap(entriesOf);
  const wanted = fullName(image);
  return entries
    .filter(([registry]) => matches(registry, wanted))
    .sort(([a], [b]) => (a < b ? 1 : a > b ? -1 : 0))
    .map(([, entry]) => authOf(entry));
}

function entriesOf(secret: ReadonlyMap<string, Buffer>): readonly (readonly [string, DockerEntry])[] {
  const whole = secret.get(".dockerconfigjson");
  const old = secret.get(".dockercfg");
  try {
    const parsed = JSON.parse((whole ?? old ?? Buffer.from("{}")).toString()) as Record<string, unknown>;
    const auths = (whole ? parsed["auths"] : parsed) as Record<string, DockerEntry> | undefined;
    return Object.entries(auths ?? {}).map(([registry, entry]) => [registryOf(registry), entry]);
  } catch {
    // A secret that is no docker configuration has no credentials.
    return [];
  }
}

/** Each part of the host may have stars; the path is a beginning (URLsMatch). */
function matches(registry: string, image: string): boolean {
  const [wantedHost = "", ...wantedPath] = registry.split("/");
  const [host = "", ...path] = image.split("/");
  if (!path.join("/").startsWith(wantedPath.join("/"))) return false;
  const [wantedName = "", wantedPort] = wantedHost.split(":");
  const [name = "", port] = host.split(":");
  if (wantedPort !== port) return false;
  const wantedParts = wantedName.split(".");
  const parts = name.split(".");
  return parts.length === wantedParts.length && wantedParts.every((part, i) => isLike(parts[i]!, part));
}

function isLike(text: string, glob: string): boolean {
  const form = glob
    .replace(/[^\w*?-]/g, "\\$&")
    .replaceAll("*", ".*")
    .replaceAll("?", ".");
  return new RegExp(`^${form}$`).test(text);
}

function registryOf(text: string): string {
  const bare = text.replace(/^https?:\/\//, "").replace(/\/+$/, "");
  return /^(index\.)?docker\.io(\/v1)?$/.test(bare) ? "docker.io" : bare;
}

function fullName(image: string): string {
  const [first = "", ...rest] = image.split("/");
  const hasRegistry = rest.length > 0 && (/[.:]/.test(first) || first === "localhost");
  return hasRegistry ? image : `docker.io/${image}`;
}

/** No server's address, as upstream: runtimes take it as a URL, which "host:port" is not. */
function authOf({ username, password, auth, identitytoken }: DockerEntry): AuthConfig {
  const [name, ...rest] = auth === undefined ? [] : Buffer.from(auth, "base64").toString().split(":");
  return {
    username: username ?? name ?? "",
    password: password ?? rest.join(":"),
    ...(identitytoken === undefined ? {} : { identityToken: identitytoken }),
  };
}

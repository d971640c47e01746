/** Flags of the kubelet that say what its configuration says too: deprecated upstream, and in many a unit file still. */
import { InvalidArgumentError, Option, type Command } from "commander";

type Kind = "text" | "boolean" | "number" | "list";

/** By flag: the field's path in KubeletConfiguration. */
const table: readonly (readonly [flag: string, kind: Kind, field: string])[] = [
  ["address", "text", "address"],
  ["anonymous-auth", "boolean", "authentication.anonymous.enabled"],
  ["authentication-token-webhook", "boolean", "authentication.webhook.enabled"],
  ["authorization-mode", "text", "authorization.mode"],
  ["cgroup-driver", "text", "cgroupDriver"],
  ["cgroup-root", "text", "cgroupRoot"],
  ["cgroups-per-qos", "boolean", "cgroupsPerQOS"],
  ["client-ca-file", "text", "authentication.x509.clientCAFile"],
  ["cluster-dns", "list", "clusterDNS"],
  ["cluster-domain", "text", "clusterDomain"],
  ["container-runtime-endpoint", "text", "containerRuntimeEndpoint"],
  ["fail-swap-on", "boolean", "failSwapOn"],
  ["healthz-bind-address", "text", "healthzBindAddress"],
  ["healthz-port", "number", "healthzPort"],
  ["image-service-endpoint", "text", "imageServiceEndpoint"],
  ["max-pods", "number", "maxPods"],
  ["node-status-update-frequency", "text", "nodeStatusUpdateFrequency"],
  ["pod-manifest-path", "text", "staticPodPath"],
  ["port", "number", "port"],
  ["provider-id", "text", "providerID"],
  ["read-only-port", "number", "readOnlyPort"],
  ["register-node", "boolean", "registerNode"],
  ["resolv-conf", "text", "resolvConf"],
  ["rotate-certificates", "boolean", "rotateCertificates"],
  ["rotate-server-certificates", "boolean", "serverTLSBootstrap"],
  ["seccomp-default", "boolean", "seccompDefault"],
  ["serialize-image-pulls", "boolean", "serializeImagePulls"],
  ["tls-cert-file", "text", "tlsCertFile"],
  ["tls-private-key-file", "text", "tlsPrivateKeyFile"],
];

export function addConfigFlags(command: Command): void {
  for (const [flag, kind, field] of table) {
    // As Go's flags: a boolean alone is true.
    const value = kind === "boolean" ? "[is]" : `<${kind}>`;
    const option = new Option(`--${flag} ${value}`, `the configuration's ${field}, before what its file says`);
    command.addOption(option.argParser((text: string) => parsed(kind, text)).preset(kind === "boolean" ? "true" : ""));
  }
}

function parsed(kind: Kind, text: string): unknown {
  if (kind === "list") return text.split(",").filter((item) => item !== "");
  if (kind === "number" && !/^-?\d+$/.test(text)) throw new InvalidArgumentError("It is a whole number.");
  if (kind === "number") return Number(text);
  if (kind === "boolean" && text !== "true" && text !== "false") throw new InvalidArgumentError("It is true or false.");
  return kind === "boolean" ? text === "true" : text;
}

/** The document as the flags that were given change it. @param flags by commander's names */
export function withConfigFlags(document: unknown, flags: Readonly<Record<string, unknown>>): unknown {
  return table.reduce((before, [flag, , field]) => {
    const value = flags[flag.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase())];
    return value === undefined ? before : withField(before, field.split("."), value);
  }, document);
}

function withField(document: unknown, [first = "", ...rest]: readonly string[], value: unknown): object {
  const fields = (typeof document === "object" && document !== null ? document : {}) as Record<string, unknown>;
  return { ...fields, [first]: rest.length === 0 ? value : withField(fields[first], rest, value) };
}

/** An OCI image of one layer, as the documents of its layout (opencontainers/image-spec, image-layout.md). */

export interface ImageConfig {
  readonly Entrypoint?: readonly string[];
  readonly Cmd?: readonly string[];
  readonly Env?: readonly string[];
  readonly User?: string;
  readonly ExposedPorts?: Readonly<Record<string, object>>;
}

export interface Blob {
  readonly mediaType: string;
  /** "sha256:…" */
  readonly digest: string;
  readonly size: number;
}

export const layerType = "application/vnd.oci.image.layer.v1.tar";
export const configType = "application/vnd.oci.image.config.v1+json";
export const manifestType = "application/vnd.oci.image.manifest.v1+json";
export const layoutFile = JSON.stringify({ imageLayoutVersion: "1.0.0" });

/** @param architecture Go's name @param layer not compressed, so that its digest is its diff ID */
export function renderImage(config: ImageConfig, architecture: string, layer: Blob): string {
  return JSON.stringify({ architecture, os: "linux", config, rootfs: { type: "layers", diff_ids: [layer.digest] } });
}

export function renderManifest(config: Blob, layer: Blob): string {
  return JSON.stringify({ schemaVersion: 2, mediaType: manifestType, config, layers: [layer] });
}

/** The name is containerd's annotation: an index has tags only. */
export function renderIndex(manifest: Blob, name: string, architecture: string): string {
  const annotations = { "io.containerd.image.name": name };
  const platform = { architecture, os: "linux" };
  return JSON.stringify({ schemaVersion: 2, manifests: [{ ...manifest, annotations, platform }] });
}

/** "web" → "docker.io/library/web:latest": as runtimes spell references out (distribution/reference). */
export function normalizedName(name: string): string {
  const [first = ""] = name.split("/");
  const hasRegistry = name.includes("/") && (/[.:]/.test(first) || first === "localhost");
  const full = hasRegistry ? name : name.includes("/") ? `docker.io/${name}` : `docker.io/library/${name}`;
  const last = full.slice(full.lastIndexOf("/") + 1);
  return last.includes(":") || last.includes("@") ? full : `${full}:latest`;
}

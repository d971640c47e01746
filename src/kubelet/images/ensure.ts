/** A container's image, there or fetched (pkg/kubelet/images/image_manager.go). */
import type { EventRecorder, EventSubject } from "../../api/event_recorder.ts";
import { FairleadError } from "../../errors/catalogue.ts";
import type { Clock } from "../../reconcile/clock.ts";
import type { AuthConfig, Image } from "../cri/messages.ts";
import type { ImageService } from "../cri/runtime.ts";
import type { ContainerSpec } from "../pods/containers.ts";
import type { ContainerWait } from "../pods/plan_input.ts";
import type { Limiter } from "./limiter.ts";
import type { PullRate } from "./pull_rate.ts";

export interface FoundImage {
  readonly id: string;
  readonly uid: number | undefined;
  readonly username: string;
}

export interface ImageDeps {
  readonly runtime: ImageService;
  readonly clock: Clock;
  readonly events: EventRecorder;
  readonly pulls: Limiter;
  readonly pullRate: PullRate;
}

export type ImageResult = { readonly found: FoundImage } | { readonly failure: ContainerWait };

/** A pull, with what it waited for its turn. */
export interface ImagePull {
  readonly fromMs: number;
  readonly toMs: number;
  /** Undefined: it failed. */
  readonly bytes: number | undefined;
}

export type ImageOutcome = ImageResult & {
  /** Whether it was there; undefined: nobody looked. */
  readonly isPresent: boolean | undefined;
  readonly pull?: ImagePull;
};

/** @param credentials what the pod's secrets hold for this image; each is tried */
export async function ensureImage(
  deps: ImageDeps,
  about: EventSubject,
  { image = "", imagePullPolicy: policy }: ContainerSpec,
  credentials: () => Promise<readonly AuthConfig[]>,
): Promise<ImageOutcome> {
  const { runtime, events } = deps;
  const name = withTag(image);
  if (name === undefined) return invalidName(deps, about, image);
  const present = await runtime.imageStatus(name);
  if (present && policy !== "Always") {
    events.event(about, "Normal", "Pulled", `Container image "${image}" already present on machine`);
    return { found: foundOf(present), isPresent: true };
  }
  if (!present && policy === "Never") {
    const message = `Container image "${image}" is not present with pull policy of Never`;
    events.event(about, "Warning", "ErrImageNeverPull", message);
    return { failure: { reason: "ErrImageNeverPull", message }, isPresent: false };
  }
  return { ...(await pull(deps, about, image, name, await credentials())), isPresent: present !== undefined };
}

async function pull(
  { runtime, clock, events, pulls, pullRate }: ImageDeps,
  about: EventSubject,
  image: string,
  name: string,
  credentials: readonly AuthConfig[],
): Promise<ImageResult & { readonly pull: ImagePull }> {
  const askedMs = clock.now();
  return pulls.run(async () => {
    const begunMs = clock.now();
    events.event(about, "Normal", "Pulling", `Pulling image "${image}"`);
    try {
      if (!pullRate.take()) throw new Error("pull QPS exceeded");
      const found = await pullWithAny(runtime, name, credentials);
      const seconds = (ms: number): string => `${((clock.now() - ms) / 1000).toFixed(3).replace(/\.?0+$/, "")}s`;
      const times = `in ${seconds(begunMs)} (${seconds(askedMs)} including waiting)`;
      events.event(
        about,
        "Normal",
        "Pulled",
        `Successfully pulled image "${image}" ${times}. Image size: ${found.size} bytes.`,
      );
      return { found: foundOf(found), pull: { fromMs: askedMs, toMs: clock.now(), bytes: found.size } };
    } catch (error) {
      const reason = error instanceof FairleadError ? error.reason : (error as Error).message;
      events.event(about, "Warning", "Failed", `Failed to pull image "${image}": ${reason}`);
      const failed = { fromMs: askedMs, toMs: clock.now(), bytes: undefined };
      return { failure: pullFailure(image, reason), pull: failed };
    }
  });
}

/** CRI has words of its own for two of them (cri-api, pkg/errors). */
function pullFailure(image: string, reason: string): ContainerWait {
  const [, kind, detail = ""] = /\b(RegistryUnavailable|SignatureValidationFailed)(?:: ?(.*))?$/.exec(reason) ?? [];
  if (kind === undefined) return { reason: "ErrImagePull", message: reason };
  const why = kind === "RegistryUnavailable" ? "the registry is unavailable" : "the signature validation failed";
  return {
    reason: kind,
    message: `image pull failed for ${image} because ${why}${detail === "" ? "" : `: ${detail}`}`,
  };
}

async function pullWithAny(runtime: ImageService, name: string, credentials: readonly AuthConfig[]): Promise<Image> {
  let last: unknown;
  for (const auth of credentials.length > 0 ? credentials : [undefined]) {
    try {
      const reference = await runtime.pullImage(name, undefined, auth);
      const found = (await runtime.imageStatus(reference)) ?? (await runtime.imageStatus(name));
      if (found) return found;
      last = new Error(`image ${name} is not there although it was pulled`);
    } catch (error) {
      last = error;
    }
  }
  throw last;
}

function invalidName({ events }: ImageDeps, about: EventSubject, image: string): ImageOutcome {
  const message = `Failed to apply default image tag "${image}": couldn't parse image name "${image}": invalid reference format`;
  events.event(about, "Warning", "InspectFailed", message);
  return { failure: { reason: "InvalidImageName", message }, isPresent: undefined };
}

const nameForm =
  /^[a-zA-Z0-9][\w.-]*(:\d+)?(\/[a-z0-9]+([._-]+[a-z0-9]+)*)*(:[\w][\w.-]{0,127})?(@[a-z0-9+._-]+:[0-9a-f]{32,})?$/;

/** With ":latest" where it says neither tag nor digest; undefined: no name at all. */
export function withTag(image: string): string | undefined {
  if (!nameForm.test(image)) return undefined;
  const last = image.slice(image.lastIndexOf("/") + 1);
  return /[:@]/.test(last) ? image : `${image}:latest`;
}

function foundOf({ id, uid, username }: Image): FoundImage {
  return { id, uid: uid?.value, username };
}

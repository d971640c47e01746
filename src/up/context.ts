/** What every step of `up` and `down` is given. */
import type { Instance } from "./instance.ts";
import type { Underlay } from "./nodes/underlay.ts";
import type { Progress } from "./progress.ts";
import type { UpSettings } from "./settings.ts";

export interface UpContext {
  readonly instance: Instance;
  readonly settings: UpSettings;
  readonly progress: Progress;
  readonly programs: Programs;
  /** Of the nodes of this machine; the caller closes it. */
  readonly openUnderlay: () => Promise<Underlay>;
  /** Aborted: nothing more is started. */
  readonly ending?: AbortSignal;
}

export interface Programs {
  /** Starts Fairlead's commands. */
  readonly launcher: string;
  /** Folder of the static programs that images are made of. */
  readonly images: string;
  /** Folder of the CNI plugins. */
  readonly cni: string;
}

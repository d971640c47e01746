import { defaultProfile } from "./framework/profile.ts";
import type { Plugin } from "./framework/plugin.ts";

export interface SchedulerOptions {
  readonly plugins: readonly Plugin[];
  /** From 0 to below 1: which of the best nodes a pod gets. */
  readonly random: () => number;
}

export const defaultSchedulerOptions: SchedulerOptions = { plugins: defaultProfile, random: Math.random };

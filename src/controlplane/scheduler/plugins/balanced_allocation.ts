import { maxScore, type Plugin } from "../framework/plugin.ts";

/** Nodes where CPU and memory are used to the same degree are better. */
export const balancedAllocation: Plugin = {
  name: "NodeResourcesBalancedAllocation",
  score({ requests: { milliCpu, memory } }) {
    // Pods that ask for nothing would all go to the one node that is balanced best (kubernetes#129138).
    if (milliCpu === 0 && memory === 0) return undefined;
    return {
      score({ allocatable, requested }) {
        // Of a single resource nothing can be out of balance.
        if (allocatable.milliCpu === 0 || allocatable.memory === 0) return maxScore;
        const cpu = Math.min(1, (requested.milliCpu + milliCpu) / allocatable.milliCpu);
        const ram = Math.min(1, (requested.memory + memory) / allocatable.memory);
        return Math.floor((1 - Math.abs((cpu - ram) / 2)) * maxScore);
      },
    };
  },
};

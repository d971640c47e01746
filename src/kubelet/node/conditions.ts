/** What a node runs out of, as its conditions say it (pkg/kubelet/eviction, pkg/kubelet/nodestatus). */

export const pressures = ["MemoryPressure", "DiskPressure", "PIDPressure"] as const;
export type Pressure = (typeof pressures)[number];

/** Who knows of it. */
export interface NodePressures {
  /** Those under which the node is, in the order in which they are told. */
  readonly current: readonly Pressure[];
}

interface Words {
  readonly reason: string;
  readonly message: string;
  /** Of the Event when it becomes so. */
  readonly event: string;
}

/** What the condition says while it holds, and while it does not. */
export const pressureWords: Readonly<Record<Pressure, { readonly is: Words; readonly isNot: Words }>> = {
  MemoryPressure: {
    is: {
      reason: "KubeletHasInsufficientMemory",
      message: "kubelet has insufficient memory available",
      event: "NodeHasInsufficientMemory",
    },
    isNot: {
      reason: "KubeletHasSufficientMemory",
      message: "kubelet has sufficient memory available",
      event: "NodeHasSufficientMemory",
    },
  },
  DiskPressure: {
    is: { reason: "KubeletHasDiskPressure", message: "kubelet has disk pressure", event: "NodeHasDiskPressure" },
    isNot: {
      reason: "KubeletHasNoDiskPressure",
      message: "kubelet has no disk pressure",
      event: "NodeHasNoDiskPressure",
    },
  },
  PIDPressure: {
    is: {
      reason: "KubeletHasInsufficientPID",
      message: "kubelet has insufficient PID available",
      event: "NodeHasInsufficientPID",
    },
    isNot: {
      reason: "KubeletHasSufficientPID",
      message: "kubelet has sufficient PID available",
      event: "NodeHasSufficientPID",
    },
  },
};

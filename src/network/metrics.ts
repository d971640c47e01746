/** What the pod network tells of itself; the agent makes metrics of it. */
export interface NetworkMetrics {
  /** A verb has been served. @param outcome "ok", or the error's code ("ADDRESSES_EXHAUSTED", "cni 102") */
  served(verb: "ADD" | "DEL" | "CHECK" | "GC" | "STATUS", seconds: number, outcome: string): void;
}

export const noMetrics: NetworkMetrics = { served: () => undefined };

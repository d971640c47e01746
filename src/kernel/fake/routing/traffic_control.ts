import { wholeFilter, wholeQdisc } from "../../netlink/rtnetlink/requests.ts";
import { tcHandle, type Filter, type FilterSpec, type Qdisc, type QdiscSpec } from "../../netlink/rtnetlink/tc.ts";
import type { RoutingExecutors } from "../../ports.ts";
import { Refusal, unmodelled, type Namespace } from "./state.ts";

export function qdiscExecutors(ns: Namespace): RoutingExecutors<void>["qdisc"] {
  const find = (v: QdiscSpec): number => {
    ns.link(v.index);
    if (v.parent !== "root" && v.parent !== "clsact") throw unmodelled("queueing disciplines below others");
    return ns.qdiscs.findIndex((other) => other.index === v.index && other.parent === v.parent);
  };
  const store = (v: QdiscSpec, at: number): void => {
    const qdisc = wholeQdisc(v);
    const handle = qdisc.handle || tcHandle(0x8001 + ns.qdiscs.length, 0);
    ns.qdiscs[at < 0 ? ns.qdiscs.length : at] = { ...qdisc, handle, references: 1 };
  };
  return {
    add: (v) => {
      const at = find(v);
      if (at >= 0) throw new Refusal("EEXIST");
      store(v, at);
    },
    replace: (v) => {
      const at = find(v);
      if (at >= 0 && ns.qdiscs[at]!.kind !== v.kind) forgetFilters(ns, ns.qdiscs[at]!);
      store(v, at);
    },
    change: (v) => {
      const at = find(v);
      if (at < 0) throw new Refusal("ENOENT");
      if (ns.qdiscs[at]!.kind !== v.kind) throw new Refusal("EINVAL");
      store(v, at);
    },
    delete: (v) => {
      const at = find(v);
      if (at < 0) throw new Refusal("ENOENT");
      if (ns.qdiscs[at]!.kind !== v.kind) throw new Refusal("EINVAL");
      forgetFilters(ns, ns.qdiscs.splice(at, 1)[0]!);
    },
  };
}

function forgetFilters(ns: Namespace, gone: Qdisc): void {
  ns.filters = ns.filters.filter((filter) => filter.index !== gone.index || qdiscKindOf(filter) !== gone.kind);
}

/** The kind of the qdisc that a filter hangs on. */
function qdiscKindOf({ parent }: FilterSpec): "clsact" | "ingress" {
  if (parent === "ingress" || parent === "egress") return "clsact";
  if (parent === "ingressQdisc") return "ingress";
  throw unmodelled("filters of other queueing disciplines than clsact and ingress");
}

export function filterExecutors(ns: Namespace): RoutingExecutors<void>["filter"] {
  const store = (v: FilterSpec, want: "new" | "known" | "either"): void => {
    ns.link(v.index);
    const kind = qdiscKindOf(v);
    if (!ns.qdiscs.some((qdisc) => qdisc.index === v.index && qdisc.kind === kind)) throw new Refusal("EINVAL");
    const filter = wholeFilter(v);
    const at = filter.handle === 0 ? -1 : ns.filters.findIndex((other) => sameFilter(other, filter));
    if (at >= 0 && want === "new") throw new Refusal("EEXIST");
    if (at < 0 && want === "known") throw new Refusal("ENOENT");
    const priority = filter.priority || freePriority(ns, filter);
    const handle = filter.handle || freeHandle(ns, { ...filter, priority });
    ns.filters[at < 0 ? ns.filters.length : at] = { ...filter, priority, handle };
  };
  return {
    add: (v) => store(v, "new"),
    replace: (v) => store(v, "either"),
    change: (v) => store(v, "known"),
    delete: (v) => {
      ns.link(v.index);
      const wanted = wholeFilter(v);
      const goes = (other: Filter): boolean =>
        sameList(other, wanted) && (wanted.handle === 0 || other.handle === wanted.handle);
      if (!ns.filters.some(goes)) throw new Refusal("ENOENT");
      ns.filters = ns.filters.filter((other) => !goes(other));
    },
  };
}

function sameList(a: Filter, b: Filter): boolean {
  return a.index === b.index && a.parent === b.parent && a.protocol === b.protocol && a.priority === b.priority;
}

function sameFilter(a: Filter, b: Filter): boolean {
  return sameList(a, b) && a.handle === b.handle;
}

/** Before all that are there; the first is 0xc000 (tcf_auto_prio). */
function freePriority(ns: Namespace, { index, parent }: Filter): number {
  const others = ns.filters.filter((other) => other.index === index && other.parent === parent);
  return Math.min(0xc001, ...others.map((other) => other.priority)) - 1;
}

function freeHandle(ns: Namespace, filter: Filter): number {
  return Math.max(0, ...ns.filters.filter((other) => sameList(other, filter)).map((other) => other.handle)) + 1;
}

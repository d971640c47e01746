/** The drivers of the API server's scenarios: each system, each thing that is measured of one. */
import type { Driver, Measurement, Parameters } from "../../driver.ts";
import { fairlead, fairleadOnEtcd, fairleadWhole } from "./fairlead.ts";
import { Loader } from "./loader.ts";
import { around, figure } from "./measured.ts";
import { collections, namespace, objectText, type ObjectKind } from "./objects.ts";
import { residentMegabytes } from "./processes.ts";
import { RawClient } from "./raw_client.ts";
import type { ApiSystem, RunningApi, Target } from "./system.ts";
import { upstream } from "./upstream.ts";

const systems: readonly ApiSystem[] = [fairlead, fairleadOnEtcd, upstream];
const systemsAndWhole: readonly ApiSystem[] = [...systems, fairleadWhole];

/** A driver a system; `prepare` fills the server, its result measures once. */
function driversOf<P extends Parameters>(
  what: string,
  prepare: (api: RunningApi, loader: () => Loader, parameters: P) => Promise<() => Promise<Measurement>>,
  measured = systems,
): Driver<P>[] {
  return measured.map((system) => ({
    name: system.name,
    what: `${what}: ${system.what}`,
    ...(system.missing ? { missing: () => system.missing!() } : {}),
    async prepare(parameters, cleanup) {
      const api = await system.start(cleanup);
      await defaultServiceAccount(api.target);
      return prepare(api, () => new Loader(api.target, cleanup), parameters);
    },
  }));
}

/** A controller makes it elsewhere; pods are refused without it. */
async function defaultServiceAccount(target: Target): Promise<void> {
  const client = await RawClient.connect(target);
  const account = { kind: "ServiceAccount", apiVersion: "v1", metadata: { name: "default" } };
  const { code, body } = await client.request("POST", `${namespace}/serviceaccounts`, JSON.stringify(account), 300);
  client.close();
  if (code !== 201 && code !== 409) throw new Error(`create of the default ServiceAccount: ${code} ${body}`);
}

interface Filling {
  readonly kind: ObjectKind;
  readonly count: number;
  readonly bytes?: number;
}

async function fill(loader: Loader, { kind, count, bytes = 0 }: Filling): Promise<void> {
  await loader.run({ job: "create", kind, prefix: "filled", count, clients: 16, bytes, rate: 0, stamped: false });
}

export type CreateParameters = {
  readonly objects: number;
  readonly clients: number;
  readonly bytes: number;
  /** Services with an EndpointSlice each that are there before. */
  readonly services: number;
};

export const createDrivers = driversOf<CreateParameters>("creates of ConfigMaps", async (api, loader, parameters) => {
  const [filler, worker] = [loader(), loader()];
  await fill(filler, { kind: "service", count: parameters.services });
  await fill(filler, { kind: "endpointslice", count: parameters.services });
  const job = { job: "create", kind: "configmap", rate: 0, stamped: false } as const;
  const { clients, bytes, objects } = parameters;
  // A compiler that is still at work is not what a server does all day.
  await worker.run({ ...job, prefix: "warm", count: Math.ceil(objects / 4), clients, bytes });
  return async () => {
    const { results, figures } = await around(api, async () => [
      await worker.run({ ...job, prefix: "map", count: objects, clients, bytes }),
    ]);
    const [created] = results;
    return {
      figures: {
        rate: figure((objects / created!.ms) * 1000, "1/s"),
        p50: figure(created!.p50, "ms"),
        p99: figure(created!.p99, "ms"),
        ...figures,
      },
    };
  };
});

export type ListParameters = { readonly pods: number; readonly clients: number; readonly lists: number };

export const listDrivers = driversOf<ListParameters>("LIST of pods", async (api, loader, parameters) => {
  const worker = loader();
  await fill(worker, { kind: "pod", count: parameters.pods });
  const job = { job: "list", path: "/api/v1/pods" } as const;
  await worker.run({ ...job, count: 2, clients: 1 });
  return async () => {
    const { results, figures } = await around(api, async () => [
      await worker.run({ ...job, count: 5, clients: 1 }),
      await worker.run({ ...job, count: parameters.lists, clients: parameters.clients }),
    ]);
    const [alone, together] = results;
    return {
      figures: {
        throughput: figure(together!.bytes / together!.ms / 1000, "MB/s"),
        "one client": figure(alone!.p50, "ms"),
        "all clients": figure(together!.p50, "ms"),
        size: figure(alone!.bytes / 5 / 1e6, "MB"),
        ...figures,
      },
    };
  };
});

export type WatchParameters = {
  readonly watchers: number;
  /** Writes as fast as they go, for the events a second. */
  readonly burst: number;
  /** Writes at `rate` a second, for the latency. */
  readonly paced: number;
  readonly rate: number;
  readonly bytes: number;
};

export const watchDrivers = driversOf<WatchParameters>("watch fan-out", async (api, loader, parameters) => {
  const [watching, writing] = [loader(), loader()];
  const { watchers, burst, paced, rate, bytes } = parameters;
  await watching.run({ job: "watch", path: `${collections.configmap}?watch=1&resourceVersion=0`, watchers });
  const job = { job: "create", kind: "configmap", bytes, stamped: true } as const;
  const writes = async (prefix: string, count: number, perSecond: number, clients: number) =>
    Promise.all([
      watching.run({ job: "watched", events: count }),
      writing.run({ ...job, prefix, count, rate: perSecond, clients }),
    ]);
  await writes("warm", Math.ceil(burst / 4), 0, 8);
  return async () => {
    const { results: slow, figures } = await around(api, () => writes("paced", paced, rate, 4));
    const { results: fast, figures: busy } = await around(api, () => writes("burst", burst, 0, 8));
    return {
      figures: {
        events: figure((burst * watchers) / (fast[0]!.ms / 1000), "1/s"),
        p50: figure(slow[0]!.p50, "ms"),
        p99: figure(slow[0]!.p99, "ms"),
        ...busy,
        ...(figures["server cpu"] ? { "paced server cpu": figures["server cpu"] } : {}),
        ...(figures["loop max"] ? { "paced loop max": figures["loop max"] } : {}),
      },
    };
  };
});

export type LoadParameters = {
  readonly nodes: number;
  readonly pods: number;
  readonly clients: number;
  readonly rate: number;
  readonly seconds: number;
  readonly listEverySeconds: number;
};

export const loadDrivers = driversOf<LoadParameters>(
  "a cluster's writes",
  async (api, loader, parameters) => {
    const [filler, worker] = [loader(), loader()];
    const { nodes, pods, seconds, rate } = parameters;
    const of = { job: "create", clients: 16, bytes: 0, rate: 0, stamped: false, prefix: "node", count: nodes } as const;
    await filler.run({ ...of, kind: "node" });
    await filler.run({ ...of, kind: "lease" });
    await filler.run({ ...of, kind: "pod", prefix: "filled", count: pods });
    return async () => {
      const { results, figures } = await around(api, async () => [await worker.run({ job: "mixed", ...parameters })]);
      const { ms, verbs } = results[0]!;
      const latencies = Object.entries(verbs!).flatMap(([verb, { p50, p99 }]) => [
        [`${verb} p50`, figure(p50, "ms")] as const,
        [`${verb} p99`, figure(p99, "ms")] as const,
      ]);
      const worst = Math.max(...Object.entries(verbs!).map(([verb, { p99 }]) => (verb === "list" ? 0 : p99)));
      return {
        figures: {
          "writes p99": figure(worst, "ms"),
          writes: figure((rate * seconds * 1000) / ms, "1/s"),
          ...Object.fromEntries(latencies),
          ...figures,
        },
      };
    };
  },
  systemsAndWhole,
);

export type MemoryParameters = { readonly services: number; readonly restSeconds: number };

export const memoryDrivers = driversOf<MemoryParameters>(
  "memory",
  async (api, loader, parameters) => {
    const rest = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, parameters.restSeconds * 1000));
    return async () => {
      await touch(api.target);
      await rest();
      const [server, all] = [residentMegabytes(api.pids.server), memoryOf(api)];
      const filler = loader();
      await fill(filler, { kind: "service", count: parameters.services });
      await fill(filler, { kind: "endpointslice", count: parameters.services });
      await rest();
      const [filled, filledAll] = [residentMegabytes(api.pids.server), memoryOf(api)];
      await filler.run({ job: "list", path: collections.endpointslice, count: 64, clients: 32 });
      await rest();
      return {
        figures: {
          rest: figure(server, "MB"),
          "rest with store": figure(all, "MB"),
          filled: figure(filled, "MB"),
          "filled with store": figure(filledAll, "MB"),
          "after a burst": figure(residentMegabytes(api.pids.server), "MB"),
        },
      };
    };
  },
  systemsAndWhole,
);

/** What a person asks first: a server that has answered nothing has not loaded what it needs. */
async function touch(target: Target): Promise<void> {
  const client = await RawClient.connect(target);
  const ask = async (method: string, path: string, body = ""): Promise<void> => {
    const { code, body: said } = await client.request(method, path, body, 300);
    if (code >= 300) throw new Error(`${method} ${path}: ${code} ${said}`);
  };
  for (const path of ["/api", "/apis", "/api/v1", "/apis/apps/v1", "/openapi/v3", "/openapi/v2"])
    await ask("GET", path);
  for (const name of ["pods", "services", "endpoints", "events", "nodes"]) await ask("GET", `/api/v1/${name}`);
  for (const name of ["deployments", "replicasets", "daemonsets"]) await ask("GET", `/apis/apps/v1/${name}`);
  await ask("POST", collections.configmap, objectText("configmap", "touched", 100));
  client.close();
}

function memoryOf({ pids }: RunningApi): number {
  return residentMegabytes(pids.server) + (pids.store === undefined ? 0 : residentMegabytes(pids.store));
}

export type StartParameters = Readonly<Record<string, never>>;

/** The start itself is measured, so it is not prepared; a server on a filled store is one that starts again. */
export const startDrivers: Driver<StartParameters>[] = systems.map((system) => ({
  name: system.name,
  what: `cold start to /readyz on an empty store: ${system.what}`,
  ...(system.missing ? { missing: () => system.missing!() } : {}),
  prepare: async (_parameters, cleanup) => async () => {
    const api = await system.start(cleanup);
    return { figures: { ready: figure(api.readyMs, "ms") } };
  },
}));

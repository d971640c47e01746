/**
 * Health-check node ports: where load balancers of policy Local ask whether this node has an endpoint (upstream:
 * pkg/proxy/healthcheck/service_health.go). Every listener is owned by the one ServiceHealth.
 */
import { messageOf } from "../../errors/message.ts";
import type { EventRecorder, EventSubject } from "../../api/event_recorder.ts";
import type { Clock } from "../../reconcile/clock.ts";
import { HttpListener, type HttpAnswer } from "../../http/listener.ts";
import type { HealthCheck } from "./derive.ts";
import { planHealthPorts, type HealthStep } from "./plan.ts";

export interface ServiceHealthOptions {
  /** For Events. */
  readonly nodeName: string;
  readonly clock: Clock;
  readonly recorder: EventRecorder;
  /** Whether the proxy itself keeps up; ProxyHealth.isHealthy. */
  readonly isProxyHealthy: () => boolean;
  /** Told of a port that could not be opened, beside the Event. */
  readonly onError: (error: unknown) => void;
}

/** After a port could not be opened. */
const retryMs = 10_000;

export class ServiceHealth {
  readonly #options: ServiceHealthOptions;
  readonly #wanted = new Map<string, HealthCheck>();
  readonly #open = new Map<string, { readonly port: number; readonly listeners: readonly HttpListener[] }>();
  readonly #dirty = new Set<string>();
  #addresses: readonly string[] | "all" = "all";
  #working: Promise<void> | undefined;
  #cancelRetry: (() => void) | undefined;
  #closed = false;

  constructor(options: ServiceHealthOptions) {
    this.#options = options;
  }

  /**
   * What a Service's port is to say from now on; a port that is new or goes is opened or closed behind this call.
   *
   * @param service "namespace/name"
   * @param check undefined for none
   */
  set(service: string, check: HealthCheck | undefined): void {
    const before = this.#wanted.get(service);
    if (check) this.#wanted.set(service, check);
    else this.#wanted.delete(service);
    if (before?.port !== check?.port) this.#look([service]);
  }

  /** Where node ports are served: nodePortAddresses of this node; "all" where it does not say. */
  setAddresses(addresses: readonly string[] | "all"): void {
    if (String(addresses) === String(this.#addresses)) return;
    this.#addresses = addresses;
    // What is open is so at the old ones: it is closed, and opened anew.
    this.#enqueue(async () => {
      for (const service of [...this.#open.keys()]) await this.#close(service);
    });
    this.#look(this.#wanted.keys());
  }

  /** Waits until what was asked for so far is open, or was refused. */
  async settled(): Promise<void> {
    while (this.#working) await this.#working;
  }

  /** Closes every port. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelRetry?.();
    await this.settled();
    await Promise.all([...this.#open.keys()].map((service) => this.#close(service)));
  }

  #look(services: Iterable<string>): void {
    for (const service of services) this.#dirty.add(service);
    this.#enqueue(async () => {
      const dirty = [...this.#dirty];
      this.#dirty.clear();
      if (dirty.length === 0 || this.#closed) return;
      const open = new Map(dirty.flatMap((service) => this.#openPort(service)));
      for (const step of planHealthPorts(open, this.#wanted, dirty)) await this.#apply(step);
    });
  }

  #openPort(service: string): readonly [string, number][] {
    const open = this.#open.get(service);
    return open ? [[service, open.port]] : [];
  }

  /** One piece of work behind the other, so that a port is closed before it is opened for another Service. */
  #enqueue(work: () => Promise<void>): void {
    const working = (this.#working ?? Promise.resolve()).then(work).finally(() => {
      if (this.#working === working) this.#working = undefined;
    });
    this.#working = working;
  }

  async #apply(step: HealthStep): Promise<void> {
    if (step.step === "close") return this.#close(step.service);
    try {
      this.#open.set(step.service, { port: step.port, listeners: await this.#listen(step.service, step.port) });
    } catch (error) {
      this.#failed(step.service, step.port, error);
    }
  }

  /** At all addresses or at none. */
  async #listen(service: string, port: number): Promise<readonly HttpListener[]> {
    const hosts = this.#addresses === "all" ? [undefined] : this.#addresses;
    const listeners: HttpListener[] = [];
    try {
      for (const host of hosts) {
        const at = { port, ...(host === undefined ? {} : { host }) };
        listeners.push(await HttpListener.open(at, () => this.#answer(service)));
      }
      return listeners;
    } catch (error) {
      await Promise.all(listeners.map((listener) => listener.close()));
      throw error;
    }
  }

  #failed(service: string, port: number, error: unknown): void {
    const { nodeName, recorder, onError, clock } = this.#options;
    const reason = messageOf(error);
    const message = `node ${nodeName} failed to start healthcheck "${service}" on port ${port}: ${reason}`;
    recorder.event(subjectOf(service), "Warning", "FailedToStartServiceHealthcheck", message);
    onError(error);
    this.#cancelRetry?.();
    this.#cancelRetry = clock.after(retryMs, () => {
      const missing = [...this.#wanted.keys()].filter((name) => !this.#open.has(name));
      this.#look(missing);
    });
  }

  async #close(service: string): Promise<void> {
    const open = this.#open.get(service);
    this.#open.delete(service);
    await Promise.all((open?.listeners ?? []).map((listener) => listener.close()));
  }

  #answer(service: string): HttpAnswer {
    const localEndpoints = this.#wanted.get(service)?.localEndpoints ?? 0;
    const isHealthy = this.#options.isProxyHealthy();
    const [namespace = "", name = ""] = service.split("/");
    const body = { service: { namespace, name }, localEndpoints, serviceProxyHealthy: isHealthy };
    return {
      code: localEndpoints > 0 && isHealthy ? 200 : 503,
      contentType: "application/json",
      // For load balancers that weigh nodes by their endpoints.
      headers: { "X-Load-Balancing-Endpoint-Weight": String(localEndpoints) },
      body: JSON.stringify(body, undefined, "\t"),
    };
  }
}

/** As upstream refers to it: it has no uid at hand. */
function subjectOf(service: string): EventSubject {
  const [namespace = "", name = ""] = service.split("/");
  return { apiVersion: "v1", kind: "Service", metadata: { namespace, name, uid: service } };
}

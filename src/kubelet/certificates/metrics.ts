/** What upstream tells of the kubelet's certificates (pkg/kubelet/certificate/kubelet.go, pkg/kubelet/metrics). */
import { Counter, Gauge, Histogram, Registry } from "prom-client";
import { RequestMetrics } from "../../api/http/request_metrics.ts";

export interface ExpiringCertificate {
  readonly notAfterMs: number | undefined;
}

/** 1 min … 4 years, as upstream has them, in s. */
const hour = 3600;
const day = 24 * hour;
const year = 365 * day;
const lives = [60, hour, 4 * hour, 8 * hour, 24 * hour, 7 * day, 30 * day, 90 * day, 182 * day, year, 4 * year];

export class CertificateMetrics {
  readonly registry = new Registry();
  /** Of the client that these certificates are for. */
  readonly requests = new RequestMetrics(this.registry);
  readonly #clientErrors = new Counter({
    name: "kubelet_certificate_manager_client_expiration_renew_errors",
    help: "Counter of certificate renewal errors.",
    registers: [this.registry],
  });
  readonly #serverErrors = new Counter({
    name: "kubelet_server_expiration_renew_errors",
    help: "Counter of certificate renewal errors.",
    registers: [this.registry],
  });
  readonly #lives = new Histogram({
    name: "kubelet_certificate_manager_server_rotation_seconds",
    help: "Histogram of the number of seconds the previous certificate lived before being rotated.",
    buckets: lives,
    registers: [this.registry],
  });
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  client(certificate: ExpiringCertificate): void {
    const help =
      "Gauge of the TTL (time-to-live) of the Kubelet's client certificate. The value is in seconds until certificate expiry (negative if already expired). If client certificate is invalid or unused, the value will be +INF.";
    this.#ttl("kubelet_certificate_manager_client_ttl_seconds", help, certificate);
  }

  server(certificate: ExpiringCertificate): void {
    const help =
      "Gauge of the shortest TTL (time-to-live) of the Kubelet's serving certificate. The value is in seconds until certificate expiry (negative if already expired). If serving certificate is invalid or unused, the value will be +INF.";
    this.#ttl("kubelet_certificate_manager_server_ttl_seconds", help, certificate);
  }

  clientFailed(): void {
    this.#clientErrors.inc();
  }

  serverFailed(): void {
    this.#serverErrors.inc();
  }

  serverRenewed(lifeSeconds: number | undefined): void {
    if (lifeSeconds !== undefined) this.#lives.observe(lifeSeconds);
  }

  #ttl(name: string, help: string, certificate: ExpiringCertificate): void {
    const now = this.#now;
    // A kubelet that is begun anew in the same process has another certificate.
    this.registry.removeSingleMetric(name);
    new Gauge({
      name,
      help,
      registers: [this.registry],
      collect() {
        const { notAfterMs } = certificate;
        this.set(notAfterMs === undefined ? Infinity : Math.trunc((notAfterMs - now()) / 1000));
      },
    });
  }
}

/**
 * A frontend as the relay serves it, and as the table leads to the relay. The table is that of the nftables mode, whose
 * frontends have one backend each, the relay: so it looks packets up as that does, and refuses what that refuses.
 */
import type { RelayFrontend } from "../../../kernel/ports.ts";
import type { IpAddress } from "../../../model/address.ts";
import { addressText, Backends } from "../../derive/backends.ts";
import type { WantedPort } from "../../derive/derive.ts";
import type { Frontend, Target } from "../../derive/frontends.ts";
import type { RelayListeners, RelayScope } from "./state.ts";

/** What the relay's shared listeners call a family's scopes. */
export function scopeNumber(family: Frontend["family"], scope: RelayScope): number {
  return (family === "IPv4" ? 0 : 2) + (scope === "cluster" ? 0 : 1);
}

/** None where packets do not come to the relay. */
export function renderRelayed(frontend: Frontend): readonly RelayFrontend[] {
  const { target, affinitySeconds, protocol, family } = frontend;
  if (protocol === "SCTP") return [];
  const of = (scope: RelayScope, backends: Backends): readonly RelayFrontend[] =>
    backends.length === 0
      ? []
      : [
          {
            key: relayKey(frontend, scope),
            protocol,
            family,
            endpoints: backends.row,
            affinityMs: (affinitySeconds ?? 0) * 1000,
          },
        ];
  if (target.action === "balance") return of("cluster", target.backends);
  if (target.action === "balance local") return [...of("cluster", target.inside), ...of("local", target.local)];
  return [];
}

/** What the table is to do: {@link WantedPort} with the relay in the place of backends. */
export function renderRedirected(wanted: WantedPort, listeners: RelayListeners): WantedPort {
  const frontends = wanted.frontends.map((frontend) => ({
    ...frontend,
    target: redirected(frontend, listeners),
    // Who comes back to whom is the relay's to know.
    affinitySeconds: undefined,
  }));
  // No backend is led to by the table, so that none can be its own client there.
  return { ...wanted, frontends, localBackends: [] };
}

function redirected(frontend: Frontend, listeners: RelayListeners): Target {
  const { target, protocol, family } = frontend;
  if (target.action === "reject" || target.action === "drop") return target;
  // Upstream's userspace mode had no SCTP either (kubernetes/website, "Service", SCTP). Refused is better than silence.
  if (protocol === "SCTP") return { action: "reject" };
  const relay = (scope: RelayScope, backends: Backends): Backends => {
    const port = protocol === "TCP" ? listeners.tcp[scope] : listeners.udp(relayKey(frontend, scope));
    const isServed = backends.length > 0 && port !== undefined;
    return Backends.of(family, isServed ? [{ ip: listeners.address, port }] : []);
  };
  if (target.action === "balance local") {
    return { action: "balance local", inside: relay("cluster", target.inside), local: relay("local", target.local) };
  }
  const backends = relay("cluster", target.backends);
  return backends.length === 0 ? { action: "reject" } : { action: "balance", backends, masquerade: "never" };
}

/** Under which keys the relay may have a frontend: one or both. */
export function relayKeys(frontend: FrontendPlace): readonly string[] {
  return [relayKey(frontend, "cluster"), relayKey(frontend, "local")];
}

type FrontendPlace = Pick<Frontend, "family" | "protocol" | "port"> & { readonly address: string | undefined };

/** As the relay makes it of an original destination: scope, address (none: any) and port. */
function relayKey({ family, address, protocol, port }: FrontendPlace, scope: RelayScope): string {
  const number = scopeNumber(family, scope);
  const head = String.fromCharCode(protocol === "UDP" ? number | udpBit : number);
  const ip = address === undefined ? "" : addressText(address as IpAddress);
  return `${head}${ip}${String.fromCharCode(port >>> 8, port & 255)}`;
}

const udpBit = 0x80;

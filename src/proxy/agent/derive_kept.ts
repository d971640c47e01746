/** What is kept of a Service and its slices → what it wants. Pure. */
import type { EndpointSlice, Service } from "../../model/kubernetes.ts";
import type { IpFamily } from "../../model/service.ts";
import { deriveService, type WantedPort } from "../derive/derive.ts";
import type { DeriveOptions } from "../derive/frontends.ts";
import type { Report } from "../derive/problems.ts";
import type { Kept } from "./kept.ts";
import { usualPorts } from "./usual_ports.ts";

const nothing: ReadonlyMap<string, WantedPort> = new Map();

/** As deriveService, of nothing for a Service that is gone. */
export function deriveKept(
  service: Kept<Service> | undefined,
  slices: readonly Kept<EndpointSlice>[],
  family: IpFamily,
  options: DeriveOptions,
  report: Report,
): ReadonlyMap<string, WantedPort> {
  if (service === undefined) return nothing;
  return (
    fromTexts(service, slices, family, options) ??
    deriveService(
      service.object,
      slices.map(({ object }) => object),
      family,
      options,
      report,
    )
  );
}

function fromTexts(
  service: Kept<Service>,
  slices: readonly Kept<EndpointSlice>[],
  family: IpFamily,
  { masqueradeAll }: DeriveOptions,
): ReadonlyMap<string, WantedPort> | undefined {
  const text = service.usualText;
  if (text === undefined) return undefined;
  const texts: string[] = [];
  for (const { usualText } of slices) {
    if (usualText === undefined) return undefined;
    texts.push(usualText);
  }
  const { namespace, name } = service;
  return usualPorts({ namespace, name, service: text, slices: texts }, family, masqueradeAll);
}

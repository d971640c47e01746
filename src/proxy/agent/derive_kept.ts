/** What is kept of a Service and its slices → what it wants. Pure. */
import type { EndpointSlice, Service } from "../../model/kubernetes.ts";
import type { IpFamily } from "../../model/service.ts";
import { deriveService, type WantedPort } from "../derive/derive.ts";
import type { DeriveOptions } from "../derive/frontends.ts";
import type { Report } from "../derive/problems.ts";
import type { Kept } from "./kept.ts";
import { usualPorts, type UsualTexts } from "./usual_ports.ts";

const nothing: ReadonlyMap<string, WantedPort> = new Map();

/**
 * As deriveService, of nothing for a Service that is gone.
 *
 * @returns what is wanted in a family: asked for each of them, the texts are looked at once
 */
export function deriveKept(
  service: Kept<Service> | undefined,
  slices: readonly Kept<EndpointSlice>[],
  options: DeriveOptions,
  report: Report,
): (family: IpFamily) => ReadonlyMap<string, WantedPort> {
  if (service === undefined) return () => nothing;
  const texts = usualTexts(service, slices);
  const general = (family: IpFamily): ReadonlyMap<string, WantedPort> =>
    deriveService(
      service.object,
      slices.map(({ object }) => object),
      family,
      options,
      report,
    );
  return (family) => (texts && usualPorts(texts, family, options.masqueradeAll)) ?? general(family);
}

/** @returns undefined where one of them is not as usual */
function usualTexts(service: Kept<Service>, slices: readonly Kept<EndpointSlice>[]): UsualTexts | undefined {
  const text = service.usualText;
  if (text === undefined) return undefined;
  const texts: string[] = [];
  for (const { usualText } of slices) {
    if (usualText === undefined) return undefined;
    texts.push(usualText);
  }
  return { key: service.owner, service: text, slices: texts };
}

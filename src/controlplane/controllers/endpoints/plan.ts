/** The Endpoints that a Service with a selector should have (upstream: pkg/controller/endpoint). */
import type { Endpoints, New, Pod, Service } from "../../../model/kubernetes.ts";
import type { Labels } from "../../../model/label_selector.ts";
import {
  belongsToEndpoints,
  familiesOf,
  hasClusterIp,
  hostnameOf,
  isPodReady,
  isSelecting,
  podIps,
  targetPortOf,
} from "../services/endpoint_pod.ts";
import { familyOfIp } from "../../../model/cidr.ts";
import { withTriggerTime } from "../services/trigger_time.ts";
import { countAddresses, maxCapacity, repack, truncate, type Address, type Offer, type Subset } from "./repack.ts";

export type Step =
  | { readonly kind: "create"; readonly endpoints: New<Endpoints> }
  | { readonly kind: "update"; readonly endpoints: Endpoints }
  | { readonly kind: "delete"; readonly endpoints: Endpoints };

export interface Observed {
  readonly service: Service | undefined;
  readonly pods: readonly Pod[];
  readonly endpoints: Endpoints | undefined;
  readonly triggerTime?: string | undefined;
}

const managedByLabel = "endpoints.kubernetes.io/managed-by";
const controllerName = "endpoint-controller";
const headlessLabel = "service.kubernetes.io/headless";
const overCapacity = "endpoints.kubernetes.io/over-capacity";
/** Endpoints that were a lock of a leader election have no Service. */
const leaderAnnotation = "control-plane.alpha.kubernetes.io/leader";

export function plan({ service, pods, endpoints, triggerTime }: Observed): readonly Step[] {
  if (!service) return endpoints && !isLock(endpoints) ? [{ kind: "delete", endpoints }] : [];
  if (!isSelecting(service)) return [];
  const all = repack(pods.flatMap((pod) => offersOf(pod, service)));
  const subsets = truncate(all);
  const labels = labelsOf(service);
  const isCut = countAddresses(all) > maxCapacity;
  if (endpoints && isRight(endpoints, subsets, labels, isCut)) return [];
  const { [overCapacity]: _, ...annotations } = withTriggerTime(endpoints?.metadata.annotations, triggerTime);
  const metadata = { labels, annotations: isCut ? { ...annotations, [overCapacity]: "truncated" } : annotations };
  if (endpoints) {
    return [{ kind: "update", endpoints: { ...endpoints, metadata: { ...endpoints.metadata, ...metadata }, subsets } }];
  }
  const { namespace = "", name } = service.metadata;
  return [{ kind: "create", endpoints: { metadata: { namespace, name, ...metadata }, subsets } }];
}

function isLock({ metadata }: Endpoints): boolean {
  return metadata.annotations?.[leaderAnnotation] !== undefined;
}

function labelsOf(service: Service): Labels {
  const { [headlessLabel]: _, ...labels } = service.metadata.labels ?? {};
  return {
    ...labels,
    ...(hasClusterIp(service) ? {} : { [headlessLabel]: "" }),
    [managedByLabel]: controllerName,
  };
}

function isRight(endpoints: Endpoints, subsets: readonly Subset[], labels: Labels, isCut: boolean): boolean {
  const has = endpoints.metadata.labels ?? {};
  const keys = Object.keys(labels);
  return (
    (endpoints.metadata.annotations?.[overCapacity] === "truncated") === isCut &&
    keys.length === Object.keys(has).length &&
    keys.every((key) => has[key] === labels[key]) &&
    text(endpoints.subsets ?? []) === text(subsets)
  );
}

/** Compares what this controller writes, whatever the order of the fields. */
function text(subsets: readonly Subset[]): string {
  const address = ({ ip, hostname, nodeName, targetRef }: Address): unknown => [
    ip,
    hostname,
    nodeName,
    [targetRef?.kind, targetRef?.namespace, targetRef?.name, targetRef?.uid],
  ];
  return JSON.stringify(
    subsets.map(({ addresses = [], notReadyAddresses = [], ports = [] }) => [
      addresses.map(address),
      notReadyAddresses.map(address),
      ports.map(({ name = "", port, protocol, appProtocol }) => [name, port, protocol, appProtocol]),
    ]),
  );
}

function offersOf(pod: Pod, service: Service): Offer[] {
  const everything = service.spec.publishNotReadyAddresses === true;
  if (!belongsToEndpoints(pod, everything)) return [];
  const address = addressOf(pod, service);
  if (!address) return [];
  const isReady = everything || isPodReady(pod);
  const { ports = [] } = service.spec;
  if (ports.length === 0) return hasClusterIp(service) ? [] : [{ address, port: undefined, isReady }];
  return ports.flatMap((port) => {
    const number = targetPortOf(pod, port);
    if (number === undefined) return [];
    const { name, protocol = "TCP", appProtocol } = port;
    const named = name === undefined || name === "" ? {} : { name };
    const known = appProtocol === undefined ? {} : { appProtocol };
    return [{ address, port: { ...named, port: number, protocol, ...known }, isReady }];
  });
}

/** Of the Service's first family alone: Endpoints know no two stacks. */
function addressOf(pod: Pod, service: Service): Address | undefined {
  const [family] = familiesOf(service);
  const ip = podIps(pod).find((one) => familyOfIp(one) === family);
  if (ip === undefined) return undefined;
  const { namespace = "", name, uid } = pod.metadata;
  const hostname = hostnameOf(pod, service);
  const { nodeName } = pod.spec;
  return {
    ip,
    ...(hostname === undefined ? {} : { hostname }),
    ...(nodeName === undefined ? {} : { nodeName }),
    targetRef: { kind: "Pod", namespace, name, uid },
  };
}

/** Objects in the version that was asked for: the same bytes where that is the stored one. */
import type { ApiObject } from "../resources/resource.ts";
import { parseObject } from "../storage/object_bytes.ts";
import { groupVersion, type Endpoint } from "./endpoint.ts";

/** A stored object in the endpoint's version. */
export function inVersion(endpoint: Pick<Endpoint, "resource" | "version">, object: ApiObject): ApiObject {
  const apiVersion = groupVersion(endpoint);
  if (object.apiVersion === apiVersion) return object;
  const converted = endpoint.version.convert?.fromStored(object) ?? object;
  return { ...converted, apiVersion };
}

/** An object of the endpoint's version as it is stored. */
export function toStored(endpoint: Pick<Endpoint, "resource" | "version">, object: ApiObject): ApiObject {
  const { resource, version } = endpoint;
  const converted = version.convert?.toStored(object) ?? object;
  return {
    ...converted,
    apiVersion: storedGroupVersion(resource.versions[0].version, resource.group, resource.storedAs),
  };
}

/** Whether stored bytes are of the endpoint's version as they are. */
export function isStoredVersion({ resource, version }: Pick<Endpoint, "resource" | "version">): boolean {
  const stored = storedGroupVersion(resource.versions[0].version, resource.group, resource.storedAs);
  return groupVersion({ resource, version }) === stored;
}

/** The form in which bytes leave: a parse only where the version is another than the stored one. */
export function inVersionBytes(endpoint: Pick<Endpoint, "resource" | "version">, bytes: Buffer): Buffer {
  if (isStoredVersion(endpoint)) return bytes;
  return Buffer.from(JSON.stringify(inVersion(endpoint, parseObject(bytes))));
}

/** events.k8s.io shows what the core group stores. */
function storedGroupVersion(version: string, group: string, storedAs: string): string {
  return group === "" || !storedAs.includes("/") ? version : `${group}/${version}`;
}

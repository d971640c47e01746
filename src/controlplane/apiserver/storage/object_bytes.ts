/**
 * Objects as the bytes that are stored and served. The stored form lacks the resourceVersion, which
 * is known only once it is stored; it is spliced in right behind `"metadata":{`, so that a served
 * object is made without parsing one.
 */
import type { ApiObject } from "../resources/resource.ts";

const metadataStart = Buffer.from('"metadata":{');
/** What the resourceVersion ends with that stands behind it. */
const versionEnd = Buffer.from('",');

/** The stored form: kind, apiVersion and metadata first, no resourceVersion. */
export function storedBytes(object: ApiObject): Buffer {
  const { kind, apiVersion, metadata, ...rest } = object;
  const { resourceVersion: _, ...kept } = metadata;
  return Buffer.from(JSON.stringify({ kind, apiVersion, metadata: kept, ...rest }));
}

/** The served form of a stored object at a revision. */
export function servedBytes(stored: Buffer, revision: number): Buffer {
  const at = stored.indexOf(metadataStart) + metadataStart.length;
  const version = `"resourceVersion":"${revision}",`;
  // Not from node's pool, whose blocks short-lived Buffers share: a kept object would keep those as well.
  const served = Buffer.allocUnsafeSlow(stored.length + version.length);
  stored.copy(served, 0, 0, at);
  served.write(version, at, "latin1");
  stored.copy(served, at + version.length, at);
  return served;
}

/** Whether the served form is that of this stored object, at whatever revision. */
export function isServedFormOf(served: Buffer, stored: Buffer): boolean {
  const at = stored.indexOf(metadataStart) + metadataStart.length;
  const behind = served.indexOf(versionEnd, at) + versionEnd.length;
  return (
    stored.length === served.length - (behind - at) &&
    stored.compare(served, 0, at, 0, at) === 0 &&
    stored.compare(served, behind, served.length, at) === 0
  );
}

/** Parses served bytes. */
export function parseObject(bytes: Buffer): ApiObject {
  return JSON.parse(bytes.toString()) as ApiObject;
}

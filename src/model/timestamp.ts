/** Times as the API has them (meta/v1 Time and MicroTime), RFC 3339 in UTC. */

/** Whole seconds. @param ms since 1970 */
export function timestamp(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

/** With six digits of fraction, as Leases have them. @param ms since 1970 */
export function microTimestamp(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 23)}000Z`;
}

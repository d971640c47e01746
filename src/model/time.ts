/** Times as the API has them. */

/** RFC 3339 in whole seconds, as meta/v1 Time. @param ms wall clock */
export function timestamp(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

/** RFC 3339 in microseconds, as meta/v1 MicroTime. @param ms wall clock */
export function microTimestamp(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, -1)}000Z`;
}

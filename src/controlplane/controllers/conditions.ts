/** Conditions of a status, and times as the API writes them. Pure. */

/** RFC 3339, whole seconds (metav1.Time). */
export function rfc3339(ms: number): string {
  return new Date(Math.floor(ms / 1000) * 1000).toISOString().replace(".000Z", "Z");
}

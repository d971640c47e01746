/** A number, or a share of a number (apimachinery/pkg/util/intstr). Pure. */

/**
 * @param total what the share is of
 * @param roundUp else down
 */
export function scaled(value: number | string | undefined, total: number, roundUp: boolean): number {
  if (value === undefined) return 0;
  if (typeof value === "number") return value;
  const percent = Number(/^(\d+)%$/.exec(value)?.[1] ?? 0);
  // Whole numbers throughout: 7 % of 100 is 7, not 7.000000000000001.
  const hundredfold = percent * total;
  return roundUp ? Math.ceil(hundredfold / 100) : Math.floor(hundredfold / 100);
}

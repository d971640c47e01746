/** Text tables for a terminal. */

export type Align = "left" | "right";

/** Columns as wide as their widest cell, two blanks apart; no blanks at the end of a line. */
export function table(rows: readonly (readonly string[])[], align: readonly Align[]): string[] {
  const widths = align.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    align
      .map((side, column) => {
        const cell = row[column] ?? "";
        return side === "left" ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!);
      })
      .join("  ")
      .trimEnd(),
  );
}

/** Three digits that count, groups of thousands: "9.87", "54.1", "250,000". */
export function number(value: number): string {
  if (!Number.isFinite(value)) return "-";
  const size = Math.abs(value);
  const decimals = size >= 100 || size === 0 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3;
  return value.toLocaleString("en-US", { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
}

/** A ratio with two decimals near 1, where they matter, and three digits beyond. */
export function factor(value: number): string {
  return value < 2 ? value.toFixed(3) : value < 10 ? value.toFixed(2) : number(value);
}

/** Sets of completion indexes as a Job's status writes them, "0,2-5" (pkg/controller/job/indexed_job_utils.go). Pure. */

export interface Interval {
  readonly first: number;
  readonly last: number;
}

/** In ascending order, apart from one another. */
export class Indexes {
  static readonly none = new Indexes([]);
  readonly intervals: readonly Interval[];
  /** How many indexes there are. */
  readonly total: number;

  private constructor(intervals: readonly Interval[]) {
    this.intervals = intervals;
    this.total = intervals.reduce((sum, { first, last }) => sum + last - first + 1, 0);
  }

  static of(indexes: Iterable<number>): Indexes {
    return Indexes.#joined([...indexes].map((index) => ({ first: index, last: index })));
  }

  /** What cannot be read is left out, as are indexes from `completions` on. */
  static parse(text: string | undefined, completions: number): Indexes {
    if (!text) return Indexes.none;
    const intervals: Interval[] = [];
    for (const part of text.split(",")) {
      const match = /^(\d+)(?:-(\d+))?$/.exec(part);
      if (!match) continue;
      const first = Number(match[1]);
      const last = Math.min(match[2] === undefined ? first : Number(match[2]), completions - 1);
      if (first <= last) intervals.push({ first, last });
    }
    return Indexes.#joined(intervals);
  }

  static #joined(intervals: readonly Interval[]): Indexes {
    const sorted = [...intervals].sort((a, b) => a.first - b.first);
    const joined: { first: number; last: number }[] = [];
    for (const { first, last } of sorted) {
      const before = joined.at(-1);
      if (before && first <= before.last + 1) before.last = Math.max(before.last, last);
      else joined.push({ first, last });
    }
    return new Indexes(joined);
  }

  with(other: Indexes): Indexes {
    if (other.total === 0) return this;
    return Indexes.#joined([...this.intervals, ...other.intervals]);
  }

  has(index: number): boolean {
    let low = 0;
    let high = this.intervals.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.intervals[middle]!.last >= index) high = middle;
      else low = middle + 1;
    }
    return low < this.intervals.length && this.intervals[low]!.first <= index;
  }

  /** How many indexes both have. */
  common(other: Indexes): number {
    let count = 0;
    for (let i = 0, j = 0; i < this.intervals.length && j < other.intervals.length;) {
      const a = this.intervals[i]!;
      const b = other.intervals[j]!;
      count += Math.max(0, Math.min(a.last, b.last) - Math.max(a.first, b.first) + 1);
      if (a.last < b.last) i++;
      else j++;
    }
    return count;
  }

  /** The first `count` indexes below `completions` that are not here; costs what there are intervals. */
  missing(count: number, completions: number): number[] {
    const found: number[] = [];
    let candidate = 0;
    for (const { first, last } of this.intervals) {
      for (; candidate < Math.min(first, completions) && found.length < count; candidate++) found.push(candidate);
      candidate = Math.max(candidate, last + 1);
    }
    for (; candidate < completions && found.length < count; candidate++) found.push(candidate);
    return found;
  }

  /** Two in a row are written as two. */
  toString(): string {
    return this.intervals
      .map(({ first, last }) => (first === last ? `${first}` : `${first}${last === first + 1 ? "," : "-"}${last}`))
      .join(",");
  }
}

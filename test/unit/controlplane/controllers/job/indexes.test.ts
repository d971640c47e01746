/** Completion indexes as text and as sets (pkg/controller/job/indexed_job_utils_test.go). */
import { describe, expect, it } from "vitest";
import { Indexes } from "../../../../../src/controlplane/controllers/job/indexes.ts";
import fc from "../../../../fixtures/property.ts";

describe("indexes", () => {
  it.each([
    ["", 10, "", 0],
    ["0", 10, "0", 1],
    ["0-1", 10, "0,1", 2],
    ["0,1,2", 10, "0-2", 3],
    ["1,3-5,7", 10, "1,3-5,7", 5],
    ["1,3-15,20", 10, "1,3-9", 8],
    ["1,x,3", 10, "1,3", 2],
    ["9", 5, "", 0],
  ])("%j of %i is %j", (text, completions, canonical, total) => {
    const parsed = Indexes.parse(text, completions);
    expect(String(parsed)).toBe(canonical);
    expect(parsed.total).toBe(total);
  });

  it("is what sets of numbers are", () => {
    const sets = fc.uniqueArray(fc.nat(40));
    fc.assert(
      fc.property(sets, sets, fc.nat(50), fc.nat(10), (a, b, completions, count) => {
        const first = Indexes.of(a);
        const second = Indexes.of(b);
        const both = new Set([...a, ...b]);
        expect(first.with(second).total).toBe(both.size);
        expect(first.common(second)).toBe(a.filter((one) => b.includes(one)).length);
        for (let i = 0; i <= 41; i++) expect(first.has(i)).toBe(a.includes(i));
        const missing = Array.from({ length: completions }, (_, i) => i).filter((i) => !a.includes(i));
        expect(first.missing(count, completions)).toEqual(missing.slice(0, count));
        expect(String(Indexes.parse(String(first), 100))).toBe(String(first));
      }),
    );
  });
});

/** All cases, by what they are about. */
import { atomicityCases } from "./atomicity.ts";
import type { Case } from "./case.ts";
import { chainCases } from "./chains.ts";
import { computationCases } from "./computations.ts";
import { elementContentCases } from "./element_contents.ts";
import { elementCases } from "./elements.ts";
import { intervalCases } from "./intervals.ts";
import { loadCases } from "./loads.ts";
import { lookupCases } from "./lookups.ts";
import { objectCases } from "./objects.ts";
import { rangeCases } from "./ranges.ts";
import { ruleCases } from "./rules.ts";
import { setCases } from "./sets.ts";
import { tableCases } from "./tables.ts";
import { translationCases } from "./translations.ts";

export const cases: Readonly<Record<string, readonly Case[]>> = {
  tables: tableCases,
  chains: chainCases,
  rules: ruleCases,
  loads: loadCases,
  computations: computationCases,
  translations: translationCases,
  lookups: lookupCases,
  "sets and maps": setCases,
  elements: elementCases,
  "what elements hold": elementContentCases,
  intervals: intervalCases,
  ranges: rangeCases,
  objects: objectCases,
  atomicity: atomicityCases,
};

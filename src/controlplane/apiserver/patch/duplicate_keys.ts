/** Keys that stand twice in an object of a JSON text, of which JSON.parse takes the last without a word. */

/** One token: a string with the colon that makes it a key, or a bracket. */
const tokens = /("(?:[^"\\]|\\.)*")(\s*:)?|[{}[\]]/g;

/** @param text valid JSON; @returns upstream's words for each, with its line */
export function duplicateKeys(text: string): string[] {
  const found: string[] = [];
  const open: (Set<string> | undefined)[] = [];
  for (const match of text.matchAll(tokens)) {
    const [token, string, colon] = match;
    if (token === "{") open.push(new Set());
    else if (token === "[") open.push(undefined);
    else if (token === "}" || token === "]") open.pop();
    else if (string !== undefined && colon !== undefined) {
      const key = JSON.parse(string) as string;
      const keys = open.at(-1)!;
      if (keys.has(key)) {
        const line = text.slice(0, match.index).split("\n").length;
        found.push(`yaml: unmarshal errors:\n  line ${line}: key ${JSON.stringify(key)} already set in map`);
      }
      keys.add(key);
    }
  }
  return found;
}

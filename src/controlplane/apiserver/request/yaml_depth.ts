/**
 * Nesting of YAML, looked at before it is read: the reader calls itself for each level, and where the
 * stack ends while V8 compiles a regular expression, the process ends (not by an exception).
 */
import { load } from "../load.ts";

/** Deeper than any object of the API; objects of custom resources are bounded alike. */
const maxDepth = 500;

/** Whether text is nested too deep to be read. Takes time in proportion to the text, and no stack. */
export function isTooDeep(text: string): boolean {
  const { Lexer, Parser } = load("yaml");
  const parser = new Parser();
  for (const lexeme of new Lexer().lex(text)) {
    // What is parsed is not kept: the parser's own stack is what counts.
    for (const _ of parser.next(lexeme)) void _;
    if (parser.stack.length > maxDepth) return true;
  }
  return false;
}

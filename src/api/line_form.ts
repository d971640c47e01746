/**
 * What a line of words says of an object that is as most are: a list's items come as such lines (PickList), as reading
 * JSON that says of each that it is as usual would be most of the work.
 *
 * Words stand in the order in which fields are named, with spaces between; rows of an array have commas between, and
 * their words slashes. A word is of ASCII letters, digits, "_", ".", ":", "+" and "-" alone. An object that has a field
 * of which nothing is said here, or one that is otherwise than said, is not as most are: it comes as JSON.
 */
import { LineUse, type FieldNames } from "./json_fields.ts";

/** Nothing, whatever it is. */
export const anything = new LineUse("any");
/** A text; where there is none, an empty word. */
export const word = new LineUse("word");
/** The text of an array that has no other. */
export const onlyText = new LineUse("one");
/** The first text of an array. */
export const firstText = new LineUse("first");
/** A whole number. */
export const wholeNumber = new LineUse("number");

/** Nothing, where it is not there or this. */
export function usually(value: string | number | boolean): LineUse {
  return new LineUse(`usual ${JSON.stringify(value)}`);
}

/** A star in front of the row, where it is this. */
export function starWhere(value: string): LineUse {
  return new LineUse(`mark ${JSON.stringify(value)}`);
}

/** A row of each object of an array. At the end of a row nothing is said of what is not there. */
export function rowOfEach(fields: FieldNames): LineUse {
  return new LineUse("each", fields);
}

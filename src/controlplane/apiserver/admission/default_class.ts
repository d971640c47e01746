/** Which of several classes is the one that is meant where none is named. Pure. */
import type { ApiObject } from "../resources/resource.ts";

/** Of the classes with one of the annotations the newest; of those made in one second the first by name. */
export function defaultClass(classes: readonly ApiObject[], annotations: readonly string[]): ApiObject | undefined {
  const marked = classes.filter(({ metadata }) => annotations.some((key) => metadata.annotations?.[key] === "true"));
  return marked.sort(newestFirst)[0];
}

function newestFirst(a: ApiObject, b: ApiObject): number {
  const [timeA, timeB] = [a.metadata.creationTimestamp ?? "", b.metadata.creationTimestamp ?? ""];
  if (timeA !== timeB) return timeA > timeB ? -1 : 1;
  return (a.metadata.name ?? "") < (b.metadata.name ?? "") ? -1 : 1;
}

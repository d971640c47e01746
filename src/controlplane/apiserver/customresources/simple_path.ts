/** The fields of a path that names nothing else, ".spec.replicas" or ".metadata.labels['a.b']"; undefined for any other. */
export function simplePath(text: string): readonly string[] | undefined {
  const step = /\.((?:\\.|[^\\.[\]'"\s*@?(),:])+)|\['([^'[\]]+)'\]/gy;
  const names: string[] = [];
  let end = 0;
  for (let match = step.exec(text); match; match = step.exec(text)) {
    names.push(match[2] ?? match[1]!.replace(/\\(.)/g, "$1"));
    end = step.lastIndex;
  }
  return names.length > 0 && end === text.length && text.startsWith(".") ? names : undefined;
}

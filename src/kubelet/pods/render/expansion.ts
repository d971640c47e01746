/** $(NAME) in commands, arguments and values (k8s.io/kubernetes/third_party/forked/golang/expansion). */

/** `$$` is a dollar; what is not known, or is no reference, stays as it is. */
export function expand(text: string, lookup: (name: string) => string | undefined): string {
  return text.replace(/\$\$|\$\(([^)]*)\)/g, (whole, name: string | undefined) => {
    if (whole === "$$") return "$";
    return lookup(name!) ?? whole;
  });
}

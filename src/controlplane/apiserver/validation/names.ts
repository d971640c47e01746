/**
 * Forms of names (apimachinery/pkg/util/validation, pkg/api/validate/content): each check gives the
 * messages that refuse a text, none where it is right.
 */
export type NameCheck = (value: string) => string[];

const label = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const labelOrUnderscore = "_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?";
const dns1035 = "[a-z]([-a-z0-9]*[a-z0-9])?";
const subdomain = `${label}(\\.${label})*`;
const qualified = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";
const labelText = `(${qualified})?`;

function whole(pattern: string): RegExp {
  return new RegExp(`^${pattern}$`);
}

const patterns = {
  label: whole(label),
  subdomain: whole(subdomain),
  underscored: whole(`${labelOrUnderscore}(\\.${labelOrUnderscore})*`),
  dns1035: whole(dns1035),
  wildcard: whole(`\\*\\.${subdomain}`),
  qualified: whole(qualified),
  labelText: whole(labelText),
} as const;

const maxLabel = 63;
const maxSubdomain = 253;
const subdomainWords =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character";

/** "must … (e.g. 'a',  or 'b', regex used for validation is '…')" */
function byPattern(words: string, pattern: string, ...examples: string[]): string {
  const shown = examples.map((example) => `'${example}', `).join(" or ");
  return `${words} (${examples.length > 0 ? `e.g. ${shown}` : ""}regex used for validation is '${pattern}')`;
}

function tooLong(value: string, max: number): string[] {
  return Buffer.byteLength(value) > max ? [`must be no more than ${max} bytes`] : [];
}

export function inRange(min: number, max: number): string {
  return `must be between ${min} and ${max}, inclusive`;
}

export const dns1123Label: NameCheck = (value) => {
  const messages = tooLong(value, maxLabel);
  if (patterns.label.test(value)) return messages;
  if (patterns.subdomain.test(value)) return [...messages, "must not contain dots"];
  const words =
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character";
  return [...messages, byPattern(words, label, "my-name", "123-abc")];
};

export const dns1123Subdomain: NameCheck = (value) => {
  const messages = tooLong(value, maxSubdomain);
  return patterns.subdomain.test(value) ? messages : [...messages, byPattern(subdomainWords, subdomain, "example.com")];
};

export const dns1123SubdomainWithUnderscore: NameCheck = (value) => {
  const messages = tooLong(value, maxSubdomain);
  if (patterns.underscored.test(value)) return messages;
  const words =
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', '-' or '.', and must start and end with an alphanumeric character";
  return [...messages, byPattern(words, `${labelOrUnderscore}(\\.${labelOrUnderscore})*`, "example.com")];
};

export const dns1035Label: NameCheck = (value) => {
  const messages = tooLong(value, maxLabel);
  if (patterns.dns1035.test(value)) return messages;
  const words =
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character";
  return [...messages, byPattern(words, dns1035, "my-name", "abc-123")];
};

export const wildcardSubdomain: NameCheck = (value) => {
  const messages = tooLong(value, maxSubdomain);
  if (patterns.wildcard.test(value)) return messages;
  const words =
    "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character";
  return [...messages, byPattern(words, `\\*\\.${subdomain}`, "*.example.com")];
};

const qualifiedWords =
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";

/** Keys of labels and annotations, resources, conditions: a name with an optional `domain/` before it. */
export const qualifiedName: NameCheck = (value) => {
  const parts = value.split("/");
  if (parts.length > 2) {
    const words = byPattern(qualifiedWords, qualified, "MyName", "my.name", "123-abc");
    return [`a qualified name ${words} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`];
  }
  const messages: string[] = [];
  const name = parts.at(-1)!;
  if (parts.length === 2) {
    if (parts[0] === "") messages.push("prefix part must be non-empty");
    else messages.push(...dns1123Subdomain(parts[0]!).map((message) => `prefix part ${message}`));
  }
  if (name === "") messages.push("name part must be non-empty");
  else messages.push(...tooLong(name, maxLabel).map((message) => `name part ${message}`));
  if (!patterns.qualified.test(name)) {
    messages.push(`name part ${byPattern(qualifiedWords, qualified, "MyName", "my.name", "123-abc")}`);
  }
  return messages;
};

export const labelValue: NameCheck = (value) => {
  const messages = tooLong(value, maxLabel);
  if (patterns.labelText.test(value)) return messages;
  const words = `a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character`;
  return [...messages, byPattern(words, labelText, "MyValue", "my_value", "12345")];
};

/** A key of a ConfigMap or Secret: it becomes a file's name. */
export const configMapKey: NameCheck = (value) => {
  const messages = tooLong(value, maxSubdomain);
  if (!/^[-._a-zA-Z0-9]+$/.test(value)) {
    const words = "a valid config key must consist of alphanumeric characters, '-', '_' or '.'";
    messages.push(byPattern(words, "[-._a-zA-Z0-9]+", "key.name", "KEY_NAME", "key-name"));
  }
  if (value === ".") messages.push("must not be '.'");
  else if (value === "..") messages.push("must not be '..'");
  else if (value.startsWith("..")) messages.push("must not start with '..'");
  return messages;
};

/** KEP-4369: anything printable in ASCII but "=". */
export const envVarName: NameCheck = (value) => {
  if (value === "") return ["environment variable name must be non-empty"];
  if (/^[\x20-\x3c\x3e-\x7e]+$/.test(value)) return [];
  return ["a valid environment variable name must consist only of printable ASCII characters other than '='"];
};

/** RFC 6335 service names, lower case only. */
export const portName: NameCheck = (value) => {
  const messages = tooLong(value, 15);
  if (!/^[-a-z0-9]+$/.test(value)) {
    messages.push("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)");
  }
  if (!/[a-z]/.test(value)) messages.push("must contain at least one letter (a-z)");
  if (value.includes("--")) messages.push("must not contain consecutive hyphens");
  if (/^-|-$/.test(value)) messages.push("must not begin or end with a hyphen");
  return messages;
};

export function portNumber(port: number): string[] {
  return port >= 1 && port <= 65535 ? [] : [inRange(1, 65535)];
}

const maxId = 0xffffffff;

/** User and group ids. */
export function unixId(id: number): string[] {
  return id >= 0 && id <= maxId ? [] : [inRange(0, maxId)];
}

export const httpHeaderName: NameCheck = (value) => {
  if (/^[-A-Za-z0-9]+$/.test(value)) return [];
  const words = "a valid HTTP header must consist of alphanumeric characters or '-'";
  return [byPattern(words, "[-A-Za-z0-9]+", "X-Header-Name")];
};

export const percent: NameCheck = (value) => {
  if (/^[0-9]+%$/.test(value)) return [];
  const words = "a valid percent string must be a numeric string followed by an ending '%'";
  return [byPattern(words, "[0-9]+%", "1%", "93%")];
};

/** What may be a segment of a URL's path: names of roles, kinds. */
export const pathSegment: NameCheck = (value) => {
  if (value === "." || value === "..") return [`may not be '${value}'`];
  return ["/", "%"].filter((bad) => value.includes(bad)).map((bad) => `may not contain '${bad}'`);
};

const httpPath = "[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+";
const wholeHttpPath = whole(httpPath);

/** `acme.io/foo`: pairs of the part that is wrong and why. */
export function domainPrefixedPath(value: string): [string, string][] {
  const slash = value.indexOf("/");
  const host = value.slice(0, Math.max(slash, 0));
  const rest = value.slice(slash + 1);
  if (slash <= 0 || rest === "") return [[value, 'must be a domain-prefixed path (such as "acme.io/foo")']];
  const wrong = dns1123Subdomain(host).map((message): [string, string] => [host, message]);
  if (!wholeHttpPath.test(rest)) wrong.push([rest, byPattern("Invalid path", httpPath)]);
  return wrong;
}

/** A name of at least two labels, with or without the final dot: pairs of the part that is wrong and why. */
export function fullyQualifiedDomain(value: string): [string, string][] {
  const name = value.endsWith(".") ? value.slice(0, -1) : value;
  const messages = dns1123Subdomain(name);
  if (messages.length > 0) return [[name, messages.join(",")]];
  const labels = name.split(".");
  if (labels.length < 2) return [[name, "should be a domain with at least two segments separated by dots"]];
  for (const one of labels) {
    const wrong = dns1123Label(one);
    if (wrong.length > 0) return [[one, wrong.join(",")]];
  }
  return [];
}

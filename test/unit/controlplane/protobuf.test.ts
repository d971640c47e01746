/** Bodies in protobuf, written here byte by byte, and the objects that JSON would have given. */
import fc from "../../fixtures/property.ts";
import { describe, expect, it } from "vitest";
import { decodeProtobuf } from "../../../src/controlplane/apiserver/protobuf/decode.ts";
import { ApiError } from "../../../src/controlplane/apiserver/status.ts";

const int = (number: number, value: number | bigint): Buffer => Buffer.concat([tag(number, 0), varint(value)]);
const double = (number: number, value: number): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return Buffer.concat([tag(number, 1), bytes]);
};
/** A length-delimited field: text, bytes, or a message of fields. */
const field = (number: number, ...content: (string | Buffer)[]): Buffer => {
  const bytes = Buffer.concat(content.map((part) => Buffer.from(part as string)));
  return Buffer.concat([tag(number, 2), varint(bytes.length), bytes]);
};

function tag(number: number, wireType: number): Buffer {
  return varint(number * 8 + wireType);
}

function varint(value: number | bigint): Buffer {
  let rest = BigInt.asUintN(64, BigInt(value));
  const bytes: number[] = [];
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  return Buffer.from([...bytes, Number(rest)]);
}

/** The body of an object whose message has these fields. */
function body(apiVersion: string, kind: string, ...fields: Buffer[]): Buffer {
  const unknown = [field(1, field(1, apiVersion), field(2, kind)), field(2, ...fields), field(3, ""), field(4, "")];
  return Buffer.concat([Buffer.from("k8s\0"), ...unknown]);
}

/** What is read of the fields, without apiVersion and kind. */
function read(apiVersion: string, kind: string, ...fields: Buffer[]): unknown {
  const { apiVersion: _version, kind: _kind, ...object } = decodeProtobuf(body(apiVersion, kind, ...fields)).object;
  return object;
}

function refusal(bytes: Buffer): string {
  try {
    decodeProtobuf(bytes);
  } catch (error) {
    expect(error).toBeInstanceOf(ApiError);
    expect((error as ApiError).code).toBe(400);
    return (error as ApiError).message;
  }
  return "";
}

describe("the envelope", () => {
  it("names the object's kind", () => {
    const metadata = field(1, field(1, "web"));
    expect(decodeProtobuf(body("apps/v1", "Deployment", metadata))).toEqual({
      apiVersion: "apps/v1",
      kind: "Deployment",
      object: { apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "web" } },
    });
  });
  it("may hold no message", () => {
    const bytes = Buffer.concat([Buffer.from("k8s\0"), field(1, field(1, "v1"), field(2, "Pod"))]);
    expect(decodeProtobuf(bytes).object).toEqual({ apiVersion: "v1", kind: "Pod" });
  });
  it.each([
    ["v1", "PodList", { items: [{}] }, field(2, "")],
    ["v1", "DeleteOptions", { gracePeriodSeconds: 0 }, int(1, 0)],
    ["apps/v1", "DeleteOptions", { dryRun: ["All"] }, field(5, "All")],
    ["v1", "Status", { code: 404 }, int(6, 404)],
    ["policy/v1", "Eviction", { deleteOptions: { gracePeriodSeconds: 3 } }, field(2, int(1, 3))],
    ["autoscaling/v1", "Scale", { spec: { replicas: 2 } }, field(2, int(1, 2))],
    ["autoscaling/v2", "HorizontalPodAutoscaler", { spec: { maxReplicas: 9 } }, field(2, int(3, 9))],
    ["events.k8s.io/v1", "Event", { reason: "x" }, field(7, "x")],
    ["v1", "Event", { reason: "x", reportingComponent: "" }, Buffer.concat([field(3, "x"), field(14, "")])],
    ["authentication.k8s.io/v1", "TokenRequest", { status: { token: "t" } }, field(3, field(1, "t"))],
  ])("knows %s %s", (apiVersion, kind, expected, fields) => {
    expect(read(apiVersion, kind, fields)).toMatchObject(expected);
  });
  it.each([
    ["nothing", Buffer.alloc(0), "does not appear to be a protobuf message, expected prefix [107 56 115 0]"],
    ["JSON", Buffer.from("{}"), "does not appear to be a protobuf message"],
    ["no kind", Buffer.from("k8s\0"), "Object 'Kind' is missing"],
    ["an unknown kind", body("v1", "Gopher"), 'no kind "Gopher" is registered for version "v1"'],
    ["a kind of another group", body("v1", "Deployment"), 'Deployment in version "v1" cannot be handled'],
    ["a property of every object", body("v1", "constructor"), 'no kind "constructor"'],
    [
      "a custom resource",
      body("example.com/v1", "Widget"),
      'no kind "Widget" is registered for version "example.com/v1"',
    ],
  ])("refuses %s", (_name, bytes, message) => expect(refusal(bytes)).toContain(message));
});

describe("scalars", () => {
  const spec = (...fields: Buffer[]) => (read("v1", "Pod", field(2, ...fields)) as { spec: object }).spec;

  it("int32 and int64 keep their sign", () => {
    expect(spec(int(4, 30), int(25, -5))).toEqual({ terminationGracePeriodSeconds: 30, priority: -5 });
    expect(spec(int(4, -(2n ** 53n - 1n)))).toEqual({ terminationGracePeriodSeconds: -(2 ** 53 - 1) });
  });
  it("an int64 of 2^53 and more is refused", () => {
    expect(refusal(body("v1", "Pod", field(2, int(4, 2n ** 53n))))).toContain("beyond 2^53");
    expect(refusal(body("v1", "Pod", field(2, int(4, -(2n ** 63n)))))).toContain("beyond 2^53");
  });
  it("any int64 is read as it was written", () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), (value) => {
        expect(spec(int(4, value))).toEqual({ terminationGracePeriodSeconds: value });
      }),
      { numRuns: 200 },
    );
  });
  it("any int32 is read as it was written", () => {
    fc.assert(
      fc.property(fc.integer(), (value) => {
        expect(spec(int(25, value))).toEqual({ priority: value });
      }),
      { numRuns: 200 },
    );
  });
  it("pointers keep their zeros", () => {
    const context = field(14, int(2, 0), int(3, 0));
    expect(spec(int(4, 0), int(21, 0), context, field(31, ""))).toEqual({
      terminationGracePeriodSeconds: 0,
      automountServiceAccountToken: false,
      securityContext: { runAsUser: 0, runAsNonRoot: false },
      preemptionPolicy: "",
    });
  });
  it("optional values that are always written lose their zeros", () => {
    expect(spec(field(3, ""), int(11, 0), field(8, ""), int(12, 1))).toEqual({ hostPID: true });
  });
  it("required values keep their zeros", () => {
    expect(spec(field(2, field(1, ""), field(6, int(3, 0))))).toEqual({
      containers: [{ name: "", ports: [{ containerPort: 0 }] }],
    });
  });
  it("optional values that JSON shows as zero keep it", () => {
    expect(read("apps/v1", "StatefulSet", field(2, field(5, "")))).toEqual({ spec: { serviceName: "" } });
  });
  it("the last of several wins, a zero too", () => {
    expect(spec(field(3, "Never"), field(3, "Always"))).toEqual({ restartPolicy: "Always" });
    expect(spec(field(3, "Never"), field(3, ""))).toEqual({});
  });
  it("text is UTF-8, with any character in it", () => {
    expect(spec(field(10, "né\u{1F600}\uFFFD\uFEFF"))).toEqual({ nodeName: "né\u{1F600}\uFFFD\uFEFF" });
    expect(refusal(body("v1", "Pod", field(2, field(10, Buffer.from([0x61, 0xff])))))).toContain("not valid UTF-8");
  });
  it("lists of integers come one by one or packed", () => {
    const groups = (...fields: Buffer[]) => spec(field(14, ...fields));
    const expected = { securityContext: { supplementalGroups: [1, 0, 300] } };
    expect(groups(int(4, 1), int(4, 0), int(4, 300))).toEqual(expected);
    expect(groups(field(4, varint(1), varint(0), varint(300)))).toEqual(expected);
  });
  it("doubles are finite", () => {
    const props = (value: Buffer) =>
      body("apiextensions.k8s.io/v1", "CustomResourceDefinition", field(2, field(7, field(4, field(1, value)))));
    expect(decodeProtobuf(props(double(11, 0))).object).toMatchObject({
      spec: { versions: [{ schema: { openAPIV3Schema: { minimum: 0 } } }] },
    });
    expect(refusal(props(double(11, Number.NaN)))).toContain("not finite");
  });
});

describe("values of their own form", () => {
  it("bytes are base64", () => {
    const data = field(2, field(1, "a"), field(2, Buffer.from([0, 255])));
    expect(read("v1", "Secret", data, field(2, field(1, "b"), field(2, "")))).toEqual({ data: { a: "AP8=", b: "" } });
    expect(read("v1", "ConfigMap", field(3, field(1, "k"), field(2, "v")))).toEqual({ binaryData: { k: "dg==" } });
  });
  it("maps take entries in any order, without key or value, and the last of a key", () => {
    const data = (...entry: Buffer[]) => field(2, ...entry);
    const entries = [
      data(field(2, "v"), field(1, "k")),
      data(),
      data(field(1, "e")),
      data(field(1, "k"), field(2, "w")),
    ];
    expect(read("v1", "ConfigMap", ...entries)).toEqual({ data: { k: "w", "": "", e: "" } });
  });
  it("a key __proto__ is a key", () => {
    const { data } = read("v1", "ConfigMap", field(2, field(1, "__proto__"), field(2, "v"))) as { data: object };
    expect(Object.entries(data)).toEqual([["__proto__", "v"]]);
    expect(Object.getPrototypeOf(data)).toBe(Object.prototype);
  });
  it("a map's lists are messages", () => {
    const extra = field(5, field(1, "scopes"), field(2, field(1, "a"), field(1, "b")));
    const none = field(5, field(1, "none"), field(2));
    expect(read("authorization.k8s.io/v1", "SubjectAccessReview", field(2, extra, none))).toEqual({
      spec: { extra: { scopes: ["a", "b"], none: [] } },
    });
  });

  const created = (...stamp: Buffer[]) => read("v1", "Pod", field(1, field(8, ...stamp)));
  it("times show seconds", () => {
    expect(created(int(1, 1_700_000_000), int(2, 5))).toEqual({
      metadata: { creationTimestamp: "2023-11-14T22:13:20Z" },
    });
    expect(created(int(1, 0), int(2, 0))).toEqual({ metadata: { creationTimestamp: "1970-01-01T00:00:00Z" } });
    expect(created(int(1, -1))).toEqual({ metadata: { creationTimestamp: "1969-12-31T23:59:59Z" } });
  });
  it("the zero time is no time", () => {
    expect(created()).toEqual({ metadata: {} });
    expect(created(int(1, -62_135_596_800))).toEqual({ metadata: {} });
  });
  it("a time beyond four digits of a year is refused", () => {
    for (const stamp of [int(1, 253_402_300_800), int(1, -62_167_219_201), int(2, 1_000_000_000), int(2, -1)]) {
      expect(refusal(body("v1", "Pod", field(1, field(8, stamp))))).toContain("out of range");
    }
  });
  it("micro times show six digits", () => {
    const lease = (...stamp: Buffer[]) => read("coordination.k8s.io/v1", "Lease", field(2, field(4, ...stamp)));
    expect(lease(int(1, 1_700_000_000), int(2, 42_999))).toEqual({
      spec: { renewTime: "2023-11-14T22:13:20.000042Z" },
    });
    expect(lease(int(1, 1_700_000_000))).toEqual({ spec: { renewTime: "2023-11-14T22:13:20.000000Z" } });
    expect(lease()).toEqual({ spec: {} });
  });
  it("quantities are text", () => {
    const hard = (...quantity: Buffer[]) => field(2, field(1, field(1, "cpu"), field(2, ...quantity)));
    expect(read("v1", "ResourceQuota", hard(field(1, "100m")))).toEqual({ spec: { hard: { cpu: "100m" } } });
    expect(read("v1", "ResourceQuota", hard())).toEqual({ spec: { hard: { cpu: "0" } } });
  });
  it("a quantity that the models call a string is one", () => {
    expect(
      read("autoscaling/v2", "HorizontalPodAutoscaler", field(2, field(5, field(1, field(4, field(1, "0.1")))))),
    ).toEqual({ spec: { behavior: { scaleUp: { tolerance: "0.1" } } } });
  });
  it.each([
    ["a number", [int(1, 0), int(2, 8080), field(3, "")], 8080],
    ["zero", [int(1, 0), int(2, 0), field(3, "")], 0],
    ["text", [int(1, 1), int(2, 0), field(3, "25%")], "25%"],
    ["empty text", [int(1, 1), int(2, 0), field(3, "")], ""],
    ["nothing", [], 0],
  ])("int or string: %s", (_name, value, expected) => {
    const ports = read("v1", "Service", field(2, field(1, field(4, ...value))));
    expect(ports).toMatchObject({ spec: { ports: [{ targetPort: expected }] } });
  });
  it("int or string: neither is refused", () => {
    expect(refusal(body("v1", "Service", field(2, field(1, field(4, int(1, 2))))))).toContain("impossible IntOrString");
  });

  const revision = (...raw: Buffer[]) => body("apps/v1", "ControllerRevision", field(2, ...raw), int(3, 0));
  it("raw objects are JSON", () => {
    expect(decodeProtobuf(revision(field(1, '{"spec":{"a":[1]}}'))).object).toMatchObject({
      data: { spec: { a: [1] } },
      revision: 0,
    });
    expect(decodeProtobuf(revision()).object).not.toHaveProperty("data");
    expect(refusal(revision(field(1, "{")))).toContain("an embedded object is not JSON");
  });
  it("managed fields are JSON", () => {
    const entry = field(17, field(1, "kubectl"), field(6, "FieldsV1"), field(7, field(1, '{"f:data":{}}')));
    expect(read("v1", "ConfigMap", field(1, entry))).toEqual({
      metadata: { managedFields: [{ manager: "kubectl", fieldsType: "FieldsV1", fieldsV1: { "f:data": {} } }] },
    });
  });
});

describe("structs that Go embeds", () => {
  const pod = (...fields: Buffer[]) => (read("v1", "Pod", field(2, ...fields)) as { spec: object }).spec;

  it("show their fields in the object around them", () => {
    const probe = field(10, field(1, field(2, field(2, int(1, 0), int(2, 80)))), int(3, 5));
    const volume = field(1, field(1, "v"), field(2, field(2, field(1, ""))));
    expect(pod(volume, field(2, field(1, "c"), probe))).toEqual({
      volumes: [{ name: "v", emptyDir: {} }],
      containers: [{ name: "c", livenessProbe: { httpGet: { port: 80 }, timeoutSeconds: 5 } }],
    });
  });
  it("keep what the parent requires", () => {
    const container = field(34, field(1, field(1, "debug"), field(2, "busybox"), int(16, 1)), field(2, "app"));
    expect(pod(container)).toEqual({
      ephemeralContainers: [{ name: "debug", image: "busybox", stdin: true, targetContainerName: "app" }],
    });
  });
  it("take part in references to a key", () => {
    const source = field(3, field(4, field(1, field(1, "secret")), field(2, "key"), int(3, 0)));
    expect(pod(field(2, field(7, field(1, "A"), field(2, ""), source)))).toMatchObject({
      containers: [
        { env: [{ name: "A", valueFrom: { secretKeyRef: { name: "secret", key: "key", optional: false } } }] },
      ],
    });
  });
  it("carry the source of a persistent volume and the rule of an ingress", () => {
    expect(read("v1", "PersistentVolume", field(2, field(2, field(3, field(1, "/data")))))).toEqual({
      spec: { hostPath: { path: "/data" } },
    });
    expect(read("networking.k8s.io/v1", "Ingress", field(2, field(3, field(1, "h"), field(2, field(1, "")))))).toEqual({
      spec: { rules: [{ host: "h", http: {} }] },
    });
  });
});

describe("schemas of custom resources", () => {
  const props = (...fields: Buffer[]) => {
    const version = field(7, field(4, field(1, ...fields)));
    const crd = read("apiextensions.k8s.io/v1", "CustomResourceDefinition", field(2, version));
    return (crd as { spec: { versions: { schema: { openAPIV3Schema: object } }[] } }).spec.versions[0]!.schema
      .openAPIV3Schema;
  };
  const string = field(5, "string");

  it.each([
    ["a default", [field(8, field(1, "0"))], { default: 0 }],
    ["an enum with null", [field(20, field(1, '"a"')), field(20, field(1, "null"))], { enum: ["a", null] }],
    ["items as one schema", [field(24, field(1, string))], { items: { type: "string" } }],
    ["items as schemas", [field(24, field(2, string), field(2, ""))], { items: [{ type: "string" }, {}] }],
    ["additional properties", [field(30, int(1, 1), field(2, string))], { additionalProperties: { type: "string" } }],
    ["any additional properties", [field(30, int(1, 1))], { additionalProperties: true }],
    ["no additional properties", [field(30, int(1, 0))], { additionalProperties: false }],
    ["no additional properties, unsaid", [field(30)], { additionalProperties: false }],
    [
      "dependencies",
      [field(32, field(1, "a"), field(2, field(2, "b"))), field(32, field(1, "c"), field(2, field(1, string)))],
      { dependencies: { a: ["b"], c: { type: "string" } } },
    ],
    ["a false extension that is set", [int(38, 0), int(39, 0)], { "x-kubernetes-preserve-unknown-fields": false }],
  ])("%s", (_name, fields, expected) => expect(props(...fields)).toEqual(expected));

  it("a subresource is there without fields", () => {
    const version = field(7, field(5, field(1, "")));
    expect(read("apiextensions.k8s.io/v1", "CustomResourceDefinition", field(2, version))).toMatchObject({
      spec: { versions: [{ subresources: { status: {} } }] },
    });
  });
});

describe("messages of other versions, and broken ones", () => {
  it("unknown fields are passed over", () => {
    const unknown = [int(1000, 1), double(1001, 1), field(1002, "x"), Buffer.concat([tag(1003, 5), Buffer.alloc(4)])];
    expect(read("v1", "Pod", ...unknown, field(1, ...unknown, field(1, "a")))).toEqual({ metadata: { name: "a" } });
  });
  it("a message in parts is merged", () => {
    const parts = [field(1, field(1, "a")), field(1, field(3, "ns"), field(11, field(1, "k"), field(2, "v")))];
    expect(read("v1", "Pod", ...parts)).toEqual({ metadata: { name: "a", namespace: "ns", labels: { k: "v" } } });
  });
  it.each([
    ["another wire type", int(1, 1), "proto: wrong wireType = 0 for field metadata"],
    ["a list's other wire type", field(2, double(2, 1)), "proto: wrong wireType = 1 for field containers"],
    ["a group", tag(99, 3), "proto: illegal wireType 3"],
    ["wire type 7", tag(99, 7), "proto: illegal wireType 7"],
    ["field number 0", int(0, 1), "proto: illegal tag 0"],
    ["a field number of 30 bits", Buffer.concat([varint(2n ** 32n), varint(0)]), "proto: illegal tag"],
    ["a varint of 11 bytes", Buffer.concat([tag(99, 0), Buffer.alloc(10, 0x80), varint(0)]), "proto: integer overflow"],
    ["a length past the end", Buffer.concat([tag(1, 2), varint(1)]), "unexpected EOF"],
    ["a length of 2^63", Buffer.concat([tag(99, 2), varint(2n ** 63n)]), "unexpected EOF"],
    ["a double cut short", Buffer.concat([tag(99, 1), Buffer.alloc(7)]), "unexpected EOF"],
  ])("%s is refused", (_name, bytes, message) => {
    const text = refusal(body("v1", "Pod", bytes));
    expect(text).toContain('Pod in version "v1" cannot be handled as a Pod: ');
    expect(text).toContain(message);
  });
  it("a body cut anywhere inside its fields is refused", () => {
    const bytes = body("v1", "Pod", field(1, field(1, "name")), field(2, field(10, "node")));
    // Between the envelope's first two fields it is whole, of an object without fields.
    const betweenFields = 4 + field(1, field(1, "v1"), field(2, "Pod")).length;
    const endOfObject = bytes.length - field(3, "").length - field(4, "").length;
    for (let length = 0; length < endOfObject; length++) {
      const message = refusal(bytes.subarray(0, length));
      expect(message === "", `cut to ${length} bytes: ${message}`).toBe(length === betweenFields);
    }
  });
  it("messages nested too deeply are refused", () => {
    const nested = (levels: number) => {
      let not: Buffer = Buffer.alloc(0);
      for (let level = 0; level < levels; level++) not = field(28, not);
      return body("apiextensions.k8s.io/v1", "CustomResourceDefinition", field(2, field(7, field(4, field(1, not)))));
    };
    expect(refusal(nested(90))).toBe("");
    expect(refusal(nested(1000))).toContain("nested more than 100 deep");
  });
});

describe("any bytes", () => {
  /** An object of the kind, or a refusal; nothing else, and soon. */
  function isObjectOrRefusal(bytes: Buffer): void {
    try {
      JSON.stringify(decodeProtobuf(bytes).object);
    } catch (error) {
      if (!(error instanceof ApiError) || error.code !== 400) throw error;
    }
  }
  const anyBytes = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes));
  const small = fc.integer({ min: 1, max: 45 });
  /** Bytes that look like messages, some levels deep. */
  const { fields } = fc.letrec<{ fields: Buffer; one: Buffer }>((tie) => ({
    fields: fc.array(tie("one"), { maxLength: 6 }).map((parts) => Buffer.concat(parts)),
    one: fc.oneof(
      { maxDepth: 8, depthSize: "medium" },
      fc.tuple(small, fc.oneof(fc.nat(3), fc.bigInt(0n, 2n ** 64n - 1n))).map(([number, value]) => int(number, value)),
      fc.tuple(small, fc.string({ unit: "binary", maxLength: 8 })).map(([number, text]) => field(number, text)),
      fc.tuple(small, fc.double()).map(([number, value]) => double(number, value)),
      fc.tuple(small, anyBytes).map(([number, bytes]) => field(number, bytes)),
      fc.tuple(small, tie("fields")).map(([number, message]) => field(number, message)),
    ),
  }));
  const kind = fc.constantFrom(
    ["v1", "Pod"],
    ["v1", "Secret"],
    ["v1", "Service"],
    ["apps/v1", "StatefulSet"],
    ["autoscaling/v2", "HorizontalPodAutoscaler"],
    ["apiextensions.k8s.io/v1", "CustomResourceDefinition"],
    ["authorization.k8s.io/v1", "SubjectAccessReview"],
  );

  it("as a body", () => {
    fc.assert(fc.property(anyBytes, (bytes) => isObjectOrRefusal(bytes)));
    fc.assert(fc.property(anyBytes, (bytes) => isObjectOrRefusal(Buffer.concat([Buffer.from("k8s\0"), bytes]))));
  });
  it("as an object's message", () => {
    fc.assert(fc.property(kind, anyBytes, ([version, name], bytes) => isObjectOrRefusal(body(version, name, bytes))));
  });
  it("as fields of fields", () => {
    fc.assert(
      fc.property(kind, fields, ([version, name], bytes) => isObjectOrRefusal(body(version, name, bytes))),
      { numRuns: 1000 },
    );
  });
  it("in a body of the greatest size take a bounded time", () => {
    const size = 3 * 1024 * 1024 - 100;
    const bodies = {
      "empty containers": field(2, Buffer.alloc(size, field(2))),
      "merged messages": Buffer.alloc(size, field(1)),
      "labels of one name": field(1, Buffer.alloc(size, field(11))),
    };
    for (const [name, bytes] of Object.entries(bodies)) {
      const start = performance.now();
      decodeProtobuf(body("v1", "Pod", bytes));
      expect(performance.now() - start, name).toBeLessThan(5000);
    }
  });
});

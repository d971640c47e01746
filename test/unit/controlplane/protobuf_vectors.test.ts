/**
 * Bodies as upstream writes them: bytes from Marshal of k8s.io/api, k8s.io/apimachinery and
 * k8s.io/apiextensions-apiserver v0.36 of an object each, and what encoding/json makes of the same
 * object, without Go's nulls.
 */
import { expect, it } from "vitest";
import { decodeProtobuf } from "../../../src/controlplane/apiserver/protobuf/decode.ts";

const vectors: readonly { readonly object: object; readonly base64: string }[] = [
  {
    object: {
      kind: "Pod",
      apiVersion: "v1",
      metadata: {
        name: "web-0",
        namespace: "default",
        uid: "u",
        generation: 3,
        creationTimestamp: "2023-11-14T22:13:20Z",
        deletionGracePeriodSeconds: 0,
        labels: { app: "web", empty: "" },
        ownerReferences: [
          {
            apiVersion: "apps/v1",
            kind: "StatefulSet",
            name: "web",
            uid: "s",
            controller: true,
            blockOwnerDeletion: false,
          },
        ],
        managedFields: [
          {
            manager: "m",
            operation: "Update",
            time: "2023-11-14T22:13:20Z",
            fieldsType: "FieldsV1",
            fieldsV1: { "f:spec": {} },
          },
        ],
      },
      spec: {
        volumes: [
          { name: "tmp", emptyDir: { sizeLimit: "1Gi" } },
          { name: "cfg", configMap: { name: "c", defaultMode: 0, optional: false } },
        ],
        containers: [
          {
            name: "c",
            image: "nginx",
            ports: [{ containerPort: 80, protocol: "TCP" }],
            envFrom: [{ configMapRef: { name: "c" } }],
            env: [
              { name: "A", valueFrom: { secretKeyRef: { name: "s", key: "k", optional: false } } },
              { name: "B", valueFrom: { resourceFieldRef: { resource: "limits.cpu", divisor: "0" } } },
            ],
            resources: { limits: { cpu: "100m" } },
            livenessProbe: { httpGet: { path: "/z", port: "http" }, periodSeconds: 5 },
            readinessProbe: { grpc: { port: 9000, service: "" } },
            lifecycle: { preStop: { tcpSocket: { port: 0 } } },
            securityContext: { runAsUser: 0, runAsNonRoot: false, allowPrivilegeEscalation: false },
          },
        ],
        ephemeralContainers: [{ name: "debug", image: "busybox", resources: {}, targetContainerName: "c" }],
        restartPolicy: "Always",
        terminationGracePeriodSeconds: 0,
        automountServiceAccountToken: false,
        securityContext: { supplementalGroups: [0, 4000], fsGroup: 0 },
        tolerations: [{ operator: "Exists", tolerationSeconds: 0 }],
      },
      status: {
        phase: "Running",
        startTime: "2023-11-14T22:13:20Z",
        containerStatuses: [
          {
            name: "c",
            state: { running: { startedAt: "2023-11-14T22:13:20Z" } },
            lastState: {},
            ready: false,
            restartCount: 0,
            image: "",
            imageID: "",
            started: false,
          },
        ],
      },
    },
    base64:
      "azhzAAoJCgJ2MRIDUG9kEs0ECpkBCgV3ZWItMBIAGgdkZWZhdWx0IgAqAXUyADgDQggIgOLPqgYQAFAAWgoKA2FwcBIDd2ViWgkKBWVtcH" +
      "R5EgBqIgoLU3RhdGVmdWxTZXQaA3dlYiIBcyoHYXBwcy92MTABOACKATQKAW0SBlVwZGF0ZRoAIggIgOLPqgYQADIIRmllbGRzVjE6DwoN" +
      "eyJmOnNwZWMiOnt9fUIAEucCChIKA3RtcBILEgkKABIFCgMxR2kKEwoDY2ZnEgyaAQkKAwoBYxgAIAASzAEKAWMSBW5naW54KgAyDQoAEA" +
      "AYUCIDVENQKgA6EwoBQRIAGgwiCgoDCgFzEgFrGAA6HAoBQhIAGhUSEwoAEgpsaW1pdHMuY3B1GgMKATBCDwoNCgNjcHUSBgoEMTAwbVIi" +
      "ChYSFAoCL3oSCggBEAAaBGh0dHAaACIAEAAYACAFKAAwAFoTCgciBQioRhIAEAAYACAAKAAwAGIOEgwaCgoGCAAQABoAEgBqAHIAegYgAC" +
      "gAOACAAQCIAQCQAQCaAQkKABIFCgMKAWOiAQAaBkFsd2F5cyAAMgBCAEoAUgBYAGAAaAByByAAIKAfKACCAQCKAQCaAQCoAQCyARAKABIG" +
      "RXhpc3RzGgAiACgAwgEAkgIpCiQKBWRlYnVnEgdidXN5Ym94KgBCAGoAcgCAAQCIAQCQAQCiAQASAWMaRQoHUnVubmluZxoAIgAqADIAOg" +
      "gIgOLPqgYQAEIfCgFjEgwSCgoICIDiz6oGEAAaACAAKAAyADoAQgBIAEoAWgByAIgBABoAIgA=",
  },
  {
    object: {
      kind: "Secret",
      apiVersion: "v1",
      metadata: { name: "s" },
      immutable: false,
      data: { e: "", k: "AP8=" },
      type: "Opaque",
    },
    base64: "azhzAAoMCgJ2MRIGU2VjcmV0Ei0KEQoBcxIAGgAiACoAMgA4AEIAEgUKAWUSABIHCgFrEgIA/xoGT3BhcXVlKAAaACIA",
  },
  {
    object: {
      kind: "PersistentVolume",
      apiVersion: "v1",
      metadata: { name: "pv" },
      spec: { capacity: { storage: "5Gi" }, hostPath: { path: "/d", type: "" }, accessModes: ["ReadWriteOnce"] },
      status: {},
    },
    base64:
      "azhzAAoWCgJ2MRIQUGVyc2lzdGVudFZvbHVtZRJNChIKAnB2EgAaACIAKgAyADgAQgASLwoQCgdzdG9yYWdlEgUKAzVHaRIIGgYKAi9kEg" +
      "AaDVJlYWRXcml0ZU9uY2UqADIAGgYKABIAGgAaACIA",
  },
  {
    object: {
      kind: "ControllerRevision",
      apiVersion: "apps/v1",
      metadata: { name: "r" },
      data: { spec: { a: [1, null] } },
      revision: 0,
    },
    base64:
      "azhzAAodCgdhcHBzL3YxEhJDb250cm9sbGVyUmV2aXNpb24SMAoRCgFyEgAaACIAKgAyADgAQgASGQoXeyJzcGVjIjp7ImEiOlsxLG51bG" +
      "xdfX0YABoAIgA=",
  },
  {
    object: {
      kind: "Deployment",
      apiVersion: "apps/v1",
      metadata: { name: "d" },
      spec: {
        replicas: 0,
        selector: { matchExpressions: [{ key: "a", operator: "In", values: ["b", ""] }] },
        template: { metadata: {}, spec: {} },
        strategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 0, maxSurge: "25%" } },
        revisionHistoryLimit: 0,
      },
      status: {},
    },
    base64:
      "azhzAAoVCgdhcHBzL3YxEgpEZXBsb3ltZW50EpMBChEKAWQSABoAIgAqADIAOABCABJwCAASDhIMCgFhEgJJbhoBYhoAGjAKEAoAEgAaAC" +
      "IAKgAyADgAQgASHBoAMgBCAEoAUgBYAGAAaACCAQCKAQCaAQDCAQAiJAoNUm9sbGluZ1VwZGF0ZRITCgYIABAAGgASCQgBEAAaAzI1JSgA" +
      "MAA4ABoMCAAQABgAIAAoADgAGgAiAA==",
  },
  {
    object: {
      kind: "HorizontalPodAutoscaler",
      apiVersion: "autoscaling/v2",
      metadata: { name: "h" },
      spec: {
        scaleTargetRef: { kind: "Deployment", name: "d", apiVersion: "apps/v1" },
        minReplicas: 0,
        maxReplicas: 4,
        metrics: [
          { type: "Resource", resource: { name: "cpu", target: { type: "AverageValue", averageValue: "250m" } } },
        ],
        behavior: { scaleDown: { stabilizationWindowSeconds: 0, tolerance: "50m" } },
      },
      status: { desiredReplicas: 0 },
    },
    base64:
      "azhzAAopCg5hdXRvc2NhbGluZy92MhIXSG9yaXpvbnRhbFBvZEF1dG9zY2FsZXIScQoRCgFoEgAaACIAKgAyADgAQgASVgoYCgpEZXBsb3" +
      "ltZW50EgFkGgdhcHBzL3YxEAAYBCIpCghSZXNvdXJjZSIdCgNjcHUSFgoMQXZlcmFnZVZhbHVlGgYKBDI1MG0qCxIJGAAiBQoDNTBtGgQY" +
      "ACAAGgAiAA==",
  },
  {
    object: {
      kind: "Lease",
      apiVersion: "coordination.k8s.io/v1",
      metadata: { name: "l" },
      spec: { holderIdentity: "", leaseDurationSeconds: 40, renewTime: "2023-11-14T22:13:20.123456Z" },
    },
    base64:
      "azhzAAofChZjb29yZGluYXRpb24uazhzLmlvL3YxEgVMZWFzZRImChEKAWwSABoAIgAqADIAOABCABIRCgAQKCILCIDiz6oGEICU7zoaAC" +
      "IA",
  },
  {
    object: {
      kind: "SubjectAccessReview",
      apiVersion: "authorization.k8s.io/v1",
      metadata: {},
      spec: { resourceAttributes: { verb: "get", resource: "pods" }, user: "u", extra: { scopes: ["a", "b"] } },
      status: { allowed: false },
    },
    base64:
      "azhzAAouChdhdXRob3JpemF0aW9uLms4cy5pby92MRITU3ViamVjdEFjY2Vzc1JldmlldxJMChAKABIAGgAiACoAMgA4AEIAEi4KFQoAEg" +
      "NnZXQaACIAKgRwb2RzMgA6ABoBdSoQCgZzY29wZXMSBgoBYQoBYjIAGggIABIAGgAgABoAIgA=",
  },
  {
    object: {
      kind: "CustomResourceDefinition",
      apiVersion: "apiextensions.k8s.io/v1",
      metadata: { name: "w.example.com" },
      spec: {
        group: "example.com",
        names: { plural: "w", kind: "W" },
        scope: "Namespaced",
        versions: [
          {
            name: "v1",
            served: true,
            storage: true,
            schema: {
              openAPIV3Schema: {
                type: "object",
                properties: {
                  a: {
                    type: "array",
                    minItems: 0,
                    items: { type: "integer", maximum: 1.5, minimum: 0 },
                    "x-kubernetes-list-type": "set",
                  },
                  b: { default: { x: "y" }, enum: [1, null], additionalProperties: { type: "string" } },
                  c: {
                    $ref: "",
                    additionalProperties: false,
                    "x-kubernetes-preserve-unknown-fields": false,
                    "x-kubernetes-int-or-string": true,
                  },
                },
              },
            },
            subresources: { status: {} },
          },
        ],
      },
      status: { acceptedNames: { plural: "", kind: "" } },
    },
    base64:
      "azhzAAozChdhcGlleHRlbnNpb25zLms4cy5pby92MRIYQ3VzdG9tUmVzb3VyY2VEZWZpbml0aW9uEp8DCh0KDXcuZXhhbXBsZS5jb20SAB" +
      "oAIgAqADIAOABCABLvAgoLZXhhbXBsZS5jb20aCgoBdxIAIgFXKgAiCk5hbWVzcGFjZWQ6xQIKAnYxEAEYASK0AgqxAgoAEgAiACoGb2Jq" +
      "ZWN0MgA6AFAAYAB6AJABAOoBbQoBYRJoCgASACIAKgVhcnJheTIAOgBQAGAAegCIAQCQAQDCATkKNwoAEgAiACoHaW50ZWdlcjIAOgBJAA" +
      "AAAAAA+D9QAFkAAAAAAAAAAGAAegCQAQCoAgC4AgDAAgCoAgC4AgDAAgDSAgNzZXTqAWoKAWISZQoAEgAiACoAMgA6AEILCgl7IngiOiJ5" +
      "In1QAGAAegCQAQCiAQMKATGiAQYKBG51bGzyASgIARIkCgASACIAKgZzdHJpbmcyADoAUABgAHoAkAEAqAIAuAIAwAIAqAIAuAIAwAIA6g" +
      "EtCgFjEigKABIAGgAiACoAMgA6AFAAYAB6AJABAPIBAggAqAIAsAIAuAIAwAIBqAIAuAIAwAIAKgIKADgAUAAaDBIICgASACIAKgAgABoA" +
      "IgA=",
  },
];

it.each(vectors)("$object.kind", ({ object, base64 }) => {
  expect(decodeProtobuf(Buffer.from(base64, "base64")).object).toEqual(object);
});

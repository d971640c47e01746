/** Field numbers of k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1. */

export const extensions = {
  V1CustomResourceColumnDefinition: "name type format description priority jsonPath",
  V1CustomResourceConversion: "strategy webhook",
  V1CustomResourceDefinition: "metadata spec status",
  V1CustomResourceDefinitionCondition: "type status lastTransitionTime reason message",
  V1CustomResourceDefinitionNames: "plural singular shortNames kind listKind categories",
  V1CustomResourceDefinitionSpec: "group names=3 scope versions=7 conversion=9 preserveUnknownFields",
  V1CustomResourceDefinitionStatus: "conditions acceptedNames storedVersions",
  V1CustomResourceDefinitionVersion:
    "name served storage schema subresources additionalPrinterColumns deprecated deprecationWarning? " +
    "selectableFields",
  V1CustomResourceSubresourceScale: "specReplicasPath statusReplicasPath labelSelectorPath?",
  V1CustomResourceSubresources: "status:empty scale",
  V1CustomResourceValidation: "openAPIV3Schema",
  V1ExternalDocumentation: "description url",
  V1JSONSchemaProps:
    "id $schema $ref? description type format title default maximum? exclusiveMaximum minimum? exclusiveMinimum " +
    "maxLength? minLength? pattern maxItems? minItems? uniqueItems multipleOf? enum maxProperties? minProperties? " +
    "required items:JSONSchemaPropsOrArray allOf oneOf anyOf not properties " +
    "additionalProperties:JSONSchemaPropsOrBool patternProperties dependencies:JSONSchemaPropsOrStringArray " +
    "additionalItems:JSONSchemaPropsOrBool definitions externalDocs example nullable " +
    "x-kubernetes-preserve-unknown-fields? x-kubernetes-embedded-resource x-kubernetes-int-or-string " +
    "x-kubernetes-list-map-keys x-kubernetes-list-type? x-kubernetes-map-type? x-kubernetes-validations",
  V1SelectableField: "jsonPath",
  ApiextensionsV1ServiceReference: "namespace name path? port?",
  V1ValidationRule: "rule message messageExpression reason? fieldPath optionalOldSelf?",
  ApiextensionsV1WebhookClientConfig: "service caBundle url?",
  V1WebhookConversion: "clientConfig=2 conversionReviewVersions",
  JSONSchemaPropsOrArray: "schema jSONSchemas",
  JSONSchemaPropsOrBool: "allows schema",
  JSONSchemaPropsOrStringArray: "schema property",
} as const satisfies Readonly<Record<string, string>>;

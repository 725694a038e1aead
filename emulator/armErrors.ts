/** Every error the ARM side answers with, in the service's words. */

/** `{"code","message"}`, as it stands inside `"error"`. */
export interface ArmErrorBody {
  code: string;
  message: string;
  details?: ArmErrorBody[];
}

/** An ARM refusal: an HTTP status and `{"error":{"code","message"}}`. */
export class ArmError extends Error {
  readonly status: number;
  readonly code: string;
  readonly headers: Record<string, string>;

  constructor(status: number, code: string, message: string, headers: Record<string, string> = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.headers = headers;
  }

  get body(): ArmErrorBody {
    return { code: this.code, message: this.message };
  }
}

const HELP = "For more troubleshooting steps go to https://aka.ms/azvmimagebuilderts.";

/** The sentence with which the service ends its messages. */
export function withHelp(message: string): string {
  return `${message} ${HELP}`;
}

/** 401 with the challenge that clients read the authority from. */
export function authenticationFailed(message: string, authority: string): ArmError {
  const code = message.includes("expir") ? "ExpiredAuthenticationToken" : "AuthenticationFailed";
  const challenge = `Bearer authorization_uri="${authority}", error="invalid_token", error_description="${message}"`;
  return new ArmError(401, code, message, { "WWW-Authenticate": challenge });
}

/** Whom a refusal names. */
export interface Caller {
  clientId: string;
  objectId: string;
}

/** 403: the caller lacks an action at a scope. */
export function authorizationFailed(caller: Caller, action: string, scope: string): ArmError {
  return new ArmError(
    403,
    "AuthorizationFailed",
    `The client '${caller.clientId}' with object id '${caller.objectId}' does not have authorization to perform action '${action}' over scope '${scope}' or the scope is invalid. If access was recently granted, please refresh your credentials.`,
  );
}

/** 403: the caller lacks an action on a resource that the request refers to. */
export function linkedAuthorizationFailed(
  caller: Caller,
  action: string,
  scope: string,
  linkedAction: string,
  linkedScope: string,
): ArmError {
  return new ArmError(
    403,
    "LinkedAuthorizationFailed",
    `The client '${caller.clientId}' with object id '${caller.objectId}' has permission to perform action '${action}' on scope '${scope}'; however, it does not have permission to perform action(s) '${linkedAction}' on the linked scope(s) '${linkedScope}' (respectively) or the linked scope(s) are invalid.`,
  );
}

/** 404 for a group, whatever was asked below it. */
export function resourceGroupNotFound(name: string): ArmError {
  return new ArmError(404, "ResourceGroupNotFound", `Resource group '${name}' could not be found.`);
}

/** @param name type and name, for example `Microsoft.Compute/galleries/images` */
export function resourceNotFound(name: string, groupName: string): ArmError {
  return new ArmError(
    404,
    "ResourceNotFound",
    `The Resource '${name}' under resource group '${groupName}' was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix`,
  );
}

/** What the marketplace answers for an unknown publisher, offer, sku or version. */
export function artifactNotFound(): ArmError {
  return new ArmError(404, "NotFound", "Artifact: VMImage was not found.");
}

/** 400: no api-version at all. */
export function missingApiVersion(): ArmError {
  return new ArmError(
    400,
    "MissingApiVersionParameter",
    "The api-version query parameter (?api-version=) is required for all requests.",
  );
}

/** 400: not a date. */
export function invalidApiVersion(version: string): ArmError {
  return new ArmError(
    400,
    "InvalidApiVersionParameter",
    `The api-version '${version}' is invalid. The supported versions are dates of the form 'yyyy-mm-dd' with an optional suffix '-preview'.`,
  );
}

/** 400: a date at which the provider had no version. */
export function noRegisteredProvider(version: string, supported: readonly string[]): ArmError {
  return new ArmError(
    400,
    "NoRegisteredProviderFound",
    `No registered resource provider found for API version '${version}' for type 'imageTemplates'. The supported api-versions are '${supported.join(", ")}'.`,
  );
}

/** 404: the emulator has one subscription. */
export function subscriptionNotFound(id: string): ArmError {
  return new ArmError(404, "SubscriptionNotFound", `The subscription '${id}' could not be found.`);
}

/** 409: the provider is not registered. The text is from memory. */
export function missingSubscriptionRegistration(namespace: string): ArmError {
  return new ArmError(
    409,
    "MissingSubscriptionRegistration",
    `The subscription is not registered to use namespace '${namespace}'. See https://aka.ms/rps-not-found for how to register subscriptions.`,
  );
}

/** 400: the body is no JSON, or no object. */
export function invalidRequestContent(reason: string): ArmError {
  return new ArmError(
    400,
    "InvalidRequestContent",
    `The request content was invalid and could not be deserialized: '${reason}'.`,
  );
}

const SEE_REFERENCE =
  "Please review http://aka.ms/azvmimagebuildertmplref for details on fields requirements in the Image Builder Template.";

/** 400: a field holds what it may not hold. */
export function badValue(path: string, field: string, value: unknown): ArmError {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return validationFailed(
    `Validation failed: '${path}': Field '${field}' has a bad value: '${text}'. ${SEE_REFERENCE}`,
  );
}

/** 400: a required field is absent or empty. */
export function missingField(path: string, field: string): ArmError {
  return validationFailed(
    `Validation failed: '${path}': Missing field '${field}'. ${SEE_REFERENCE}`,
  );
}

/** 400 in words that fit neither of the two usual forms. */
export function validationFailed(message: string): ArmError {
  return new ArmError(400, "ValidationFailed", message);
}

/**
 * 400: a field that the api-version does not have, or not in this case.
 * Source: image-builder-api-update-release-notes.md, whose example walks down the path model by model.
 * @param path where it stands: `ImageTemplate.properties.optimize`
 */
export function unknownField(path: string, field: string, apiVersion: string): ArmError {
  const version = `*v${apiVersion.replaceAll("-", "_")}`;
  const [root = "", ...fields] = path
    .replace(/\[\d+\]/g, "")
    .split(".")
    .map(capitalized);
  let model = `${version}.${root}`;
  let trail = `unmarshalling type ${model}: `;
  for (const name of fields) {
    model += name;
    trail += `struct field ${name}: unmarshalling type ${model}: `;
  }
  return new ArmError(
    400,
    "UnmarshallingError",
    `Unmarshalling entity encountered error: ${trail}unmarshalling type ${model}, unknown field "${field}". There is an issue with the syntax with the JSON template you are submitting. Please check the JSON template for syntax and grammar. For more information on the syntax and grammar of the JSON template, visit http://aka.ms/azvmimagebuildertmplref.`,
  );
}

function capitalized(name: string): string {
  return name.charAt(0).toUpperCase() + name.slice(1);
}

/** 400: Image Builder is not in that region. The text is from memory. */
export function locationNotAvailable(location: string, available: readonly string[]): ArmError {
  return new ArmError(
    400,
    "LocationNotAvailableForResourceType",
    `The provided location '${location}' is not available for resource type 'Microsoft.VirtualMachineImages/imageTemplates'. List of available regions for the resource type is '${available.join(",")}'.`,
  );
}

/** 400: the template identity does not exist. The text is from memory. */
export function identityNotFound(templateId: string, identityId: string): ArmError {
  return new ArmError(
    400,
    "FailedIdentityOperation",
    `Identity operation for resource '${templateId}' failed with error 'Failed to perform resource identity operation. Status: 'BadRequest'. Resource '${identityId}' was not found.'.`,
  );
}

/** 409: an image template cannot be replaced. Source: image-builder-troubleshoot.md. */
export function templateExists(): ArmError {
  return new ArmError(
    409,
    "Conflict",
    "Update/Upgrade of image templates is currently not supported. Please change the name of the template you are submitting. For more information, go to https://aka.ms/azvmimagebuilderts.",
  );
}

/** Source: azvmimagebuilder issues 38, 48, 79. */
export function operationNotAllowed(
  action: string,
  provisioningState: string,
  runState: string,
): ArmError {
  return new ArmError(
    405,
    "OperationNotAllowed",
    `Operation Microsoft.VirtualMachineImages/imageTemplates/${action} is not allowed in provisioning state: ${provisioningState} or run state: ${runState}.`,
  );
}

/** 501: the emulator does not know the route. */
export function notEmulated(method: string, path: string): ArmError {
  return new ArmError(501, "NotImplemented", `The emulator has no ${method} ${path}.`);
}

/** 400 of Microsoft.Compute: a parameter or field holds what it may not hold. */
export function invalidParameter(name: string, value: string): ArmError {
  const message = `The value '${value}' of parameter '${name}' is invalid.`;
  return new ArmError(400, "InvalidParameter", message);
}

/** 400 of Microsoft.Compute: a required field is absent. */
export function missingParameter(name: string): ArmError {
  return new ArmError(400, "InvalidParameter", `Required parameter '${name}' is missing (null).`);
}

/** 404: what a nested resource would belong to is not there. */
export function parentNotFound(parent: string, id: string): ArmError {
  return new ArmError(
    404,
    "ParentResourceNotFound",
    `Failed to perform 'write' on resource '${id}', because the parent resource '${parent}' could not be found.`,
  );
}

/** 409: only what is empty can be deleted. */
export function nestedResources(id: string): ArmError {
  return new ArmError(
    409,
    "CannotDeleteResource",
    `Can not delete resource '${id}' before nested resources are deleted.`,
  );
}

/** Azure resource ids as text. Pure. Ids are compared without case, as Azure does. */

const SUBSCRIPTION = "[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}";
// Names of dots only would lead a URL somewhere else.
const NAME = "(?!\\.+(?:/|$))[A-Za-z0-9_.()-]{1,90}";

/** A resource id in parts: `/subscriptions/<s>/resourceGroups/<g>/providers/<type[0]>/<type[1]>/<names[0]>/…`. */
export interface ResourceId {
  readonly id: string;
  readonly subscriptionId: string;
  readonly resourceGroupName: string;
  readonly names: readonly string[];
}

/**
 * Reads an id of one resource type, such as `Microsoft.Compute/galleries/images`.
 * @returns undefined when the text is not such an id.
 */
export function parseResourceId(text: string, type: string): ResourceId | undefined {
  const [provider = "", ...collections] = type.split("/");
  const tail = collections.map((collection) => `/${collection}/(${NAME})`).join("");
  const match = new RegExp(
    `^/subscriptions/(${SUBSCRIPTION})/resourceGroups/(${NAME})/providers/${provider.replace(".", "\\.")}${tail}/?$`,
    "i",
  ).exec(text);
  if (!match) return undefined;
  const [, subscriptionId = "", resourceGroupName = "", ...names] = match;
  return { id: text.replace(/\/$/, ""), subscriptionId, resourceGroupName, names };
}

/** The id of a resource in a resource group. `path` is everything behind `/providers/`. */
export function resourceId(
  subscriptionId: string,
  resourceGroupName: string,
  path: string,
): string {
  return `/subscriptions/${subscriptionId}/resourceGroups/${resourceGroupName}/providers/${path}`;
}

/** True for the same resource, whatever the case of the letters. */
export function isSameId(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}

/** A region name in the form that Azure compares: `West Europe` becomes `westeurope`. */
export function regionName(text: string): string {
  return text.replace(/\s+/g, "").toLowerCase();
}

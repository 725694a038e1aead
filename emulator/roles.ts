/** Which roles are granted. A scenario, the command line and the control endpoint take them away and give them back. */

/** A role as scenarios and the command line name it. */
export interface Role {
  name: string;
  /** Who holds it on what, and what happens without it. */
  description: string;
}

/** Every role that a build needs, one holder and scope each. */
export const ROLES = [
  {
    name: "Contributor",
    description:
      "pipeline principal on the resource group; without it any write or action on image templates is refused",
  },
  {
    name: "Managed Identity Operator",
    description:
      "pipeline principal on the template identity; without it a template that uses the identity is refused",
  },
  {
    name: "Storage Blob Data Contributor",
    description:
      "pipeline principal on the staging account; without it no blob there can be read or written",
  },
  {
    name: "Storage Blob Data Reader",
    description:
      "template identity on the staging account; without it creating a template that reads from there fails",
  },
  {
    name: "Storage Blob Delegator",
    description:
      "pipeline principal on the staging account; without it no user delegation key is given out",
  },
  {
    name: "Gallery Image Contributor",
    description:
      "template identity on the gallery; without it creating a template that distributes there fails",
  },
  {
    name: "Staging Contributor",
    description:
      "template identity on a stagingResourceGroup that is there already; without it creating a template that names one fails",
  },
  {
    name: "Log Reader",
    description:
      "pipeline principal on the storage account of the stagingResourceGroup; without it the log cannot be read",
  },
] as const satisfies readonly Role[];

/** One of the role names. */
export type RoleName = (typeof ROLES)[number]["name"];

/** Exact spelling. */
export function isRoleName(name: string): name is RoleName {
  return ROLES.some((role) => role.name === name);
}

/** All granted unless taken away. */
export class RoleAssignments {
  readonly #missing: Set<RoleName>;

  constructor(missing: readonly RoleName[] = []) {
    this.#missing = new Set(missing);
  }

  has(name: RoleName): boolean {
    return !this.#missing.has(name);
  }

  set(name: RoleName, isGranted: boolean): void {
    if (isGranted) this.#missing.delete(name);
    else this.#missing.add(name);
  }

  /** Grants everything but these. */
  reset(missing: readonly RoleName[]): void {
    this.#missing.clear();
    for (const name of missing) this.#missing.add(name);
  }

  list(): Array<{ name: RoleName; granted: boolean }> {
    return ROLES.map(({ name }) => ({ name, granted: this.has(name) }));
  }
}

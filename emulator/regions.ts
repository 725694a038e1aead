/** The regions the emulated cloud has; Image Builder is in all of them. */

/** `name` is the form in ids and bodies, `displayName` the one people see. */
export interface Region {
  name: string;
  displayName: string;
}

/** Enough for replication and for a wrong one. */
export const REGIONS: readonly Region[] = [
  { name: "westeurope", displayName: "West Europe" },
  { name: "northeurope", displayName: "North Europe" },
  { name: "eastus", displayName: "East US" },
  { name: "eastus2", displayName: "East US 2" },
  { name: "westus2", displayName: "West US 2" },
  { name: "swedencentral", displayName: "Sweden Central" },
];

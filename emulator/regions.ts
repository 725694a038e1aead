/** The regions the emulated cloud has; Image Builder is in all of them. */

/** `name` is the form in ids and bodies, `displayName` the one people see. */
export interface Region {
  name: string;
  displayName: string;
}

/** Source: image-builder-json.md, "location"; those of the public cloud. */
const DISPLAY_NAMES = [
  "West Europe",
  "North Europe",
  "East US",
  "East US 2",
  "West Central US",
  "West US",
  "West US 2",
  "West US 3",
  "South Central US",
  "Central US",
  "North Central US",
  "Southeast Asia",
  "East Asia",
  "Australia Southeast",
  "Australia East",
  "UK South",
  "UK West",
  "Brazil South",
  "Canada Central",
  "Central India",
  "France Central",
  "Germany West Central",
  "Japan East",
  "Norway East",
  "Switzerland North",
  "Sweden Central",
  "Poland Central",
  "Italy North",
  "UAE North",
  "Korea Central",
  "South Africa North",
  "Qatar Central",
  "Israel Central",
];

/** In the order in which the service lists them. */
export const REGIONS: readonly Region[] = DISPLAY_NAMES.map((displayName) => ({
  name: displayName.replaceAll(" ", "").toLowerCase(),
  displayName,
}));

/** Whether the emulated cloud has a region; `West US 2` and `westus2` are the same. */
export function isRegion(name: string): boolean {
  const key = name.replaceAll(" ", "").toLowerCase();
  return REGIONS.some((region) => region.name === key);
}

/** Logging commands as the Azure Pipelines agent reads them from stdout and stderr. Pure: text in, data out. */
import type { HostCommand } from "./step.ts";

/**
 * The command in one line of output, if there is one: `##vso[area.action key=value;…]data`, anywhere in the line.
 * Text before it is dropped with it.
 */
export function pipelinesCommand(line: string): HostCommand | undefined {
  const match = /##vso\[([^ \]]*)([^\]]*)\](.*)$/s.exec(line);
  if (!match) return undefined;
  const [, name = "", properties = "", data = ""] = match;
  if (!/^[^.]+\.[^.]+$/.test(name)) return undefined;
  return {
    name: name.toLowerCase(),
    properties: readProperties(properties),
    data: replaceEscapes(data, /%0D|%0A|%AZP25/g),
  };
}

/** Keys are compared without regard to case, so they come out in lower case. */
function readProperties(text: string): Record<string, string> {
  const properties: Record<string, string> = {};
  for (const pair of text.split(";")) {
    const at = pair.indexOf("=");
    if (at < 0) continue;
    const value = replaceEscapes(pair.slice(at + 1).trim(), /%0D|%0A|%5D|%3B|%AZP25/g);
    properties[pair.slice(0, at).trim().toLowerCase()] = value;
  }
  return properties;
}

const ESCAPES: Readonly<Record<string, string>> = {
  "%0D": "\r",
  "%0A": "\n",
  "%5D": "]",
  "%3B": ";",
  "%AZP25": "%",
};

function replaceEscapes(text: string, pattern: RegExp): string {
  return text.replace(pattern, (code) => ESCAPES[code] ?? code);
}

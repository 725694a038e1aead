/**
 * Workflow commands as actions/runner 2.336 reads them from stdout and stderr, and the files a step writes
 * instead. Pure: text in, data out.
 */
import type { HostCommand } from "./step.ts";

/** Commands that the runner knows; any other text of that form is plain output. */
const KNOWN = new Set([
  ...[
    "add-mask",
    "add-matcher",
    "add-path",
    "debug",
    "echo",
    "endgroup",
    "error",
    "group",
    "notice",
  ],
  ...["remove-matcher", "save-state", "set-env", "set-output", "stop-commands", "warning"],
]);

/**
 * The command in one line of output, if there is one: `::name key=value,…::data` where only white space precedes,
 * or the older `##[name key=value;…]data` anywhere. The token that ends `stop-commands` is a command of its own.
 */
export function gitHubCommand(line: string, stopToken?: string): HostCommand | undefined {
  const command = doubleColonCommand(line) ?? bracketCommand(line);
  if (command === undefined) return undefined;
  return KNOWN.has(command.name) || command.name === stopToken ? command : undefined;
}

function doubleColonCommand(line: string): HostCommand | undefined {
  const match = /^\s*::([^ ]*?)(?: (.*?))?::(.*)$/s.exec(line);
  if (!match) return undefined;
  const [, name = "", properties = "", data = ""] = match;
  return {
    name,
    properties: readProperties(properties, ",", unescapeProperty),
    data: unescapeData(data),
  };
}

function bracketCommand(line: string): HostCommand | undefined {
  const match = /##\[([^ \]]*)(?: ([^\]]*))?\](.*)$/s.exec(line);
  if (!match) return undefined;
  const [, name = "", properties = "", data = ""] = match;
  return {
    name,
    properties: readProperties(properties, ";", unescapeBracket),
    data: unescapeBracket(data),
  };
}

function readProperties(
  text: string,
  separator: string,
  decode: (value: string) => string,
): Record<string, string> {
  const properties: Record<string, string> = {};
  for (const pair of text.split(separator)) {
    const at = pair.indexOf("=");
    if (at > 0) properties[pair.slice(0, at).trim()] = decode(pair.slice(at + 1));
  }
  return properties;
}

const ESCAPES: Readonly<Record<string, string>> = {
  "%0D": "\r",
  "%0A": "\n",
  "%25": "%",
  "%3A": ":",
  "%2C": ",",
  "%3B": ";",
  "%5D": "]",
};

function replaceEscapes(text: string, pattern: RegExp): string {
  return text.replace(pattern, (code) => ESCAPES[code] ?? code);
}

function unescapeData(text: string): string {
  return replaceEscapes(text, /%0D|%0A|%25/g);
}

function unescapeProperty(text: string): string {
  return replaceEscapes(text, /%0D|%0A|%25|%3A|%2C/g);
}

function unescapeBracket(text: string): string {
  return replaceEscapes(text, /%0D|%0A|%25|%3B|%5D/g);
}

/**
 * Reads a file of `name=value` lines and `name<<DELIMITER` blocks, the form of `GITHUB_OUTPUT` and its siblings.
 * @throws when a line has neither form or a block has no end, which fails the step.
 */
export function readCommandFile(text: string): Record<string, string> {
  const values: Record<string, string> = {};
  const lines = text.split(/\r?\n/);
  for (let index = 0; index < lines.length; index++) {
    const line = lines[index] ?? "";
    if (line === "") continue;
    const heredoc = /^([^=]*?)<<(.+)$/.exec(line);
    const [, name = "", delimiter = ""] = heredoc ?? [];
    if (!heredoc) {
      const at = line.indexOf("=");
      if (at < 1) throw new Error(`Invalid format '${line}' in a command file.`);
      values[line.slice(0, at)] = line.slice(at + 1);
      continue;
    }
    const end = lines.indexOf(delimiter, index + 1);
    if (end < 0) throw new Error(`No delimiter '${delimiter}' ends the value of '${name}'.`);
    values[name] = lines.slice(index + 1, end).join("\n");
    index = end;
  }
  return values;
}

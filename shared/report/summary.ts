/** The job summary: what was built, from what, and how long each phase took. Pure. */
import { type Phase, spokenDuration } from "../runStatus.ts";

/** Everything the summary tells. */
export interface SummaryFacts {
  readonly runStatus: string;
  readonly imageIds: readonly string[];
  readonly sourceVersion: string;
  readonly templateId: string;
  /** Size and SHA-256 of the packed artifacts, when there were some. */
  readonly artifacts?: string;
  readonly phases: readonly Phase[];
}

/** Markdown that both hosts render. */
export function summaryMarkdown(facts: SummaryFacts): string {
  const rows = [
    ["Run", plain(facts.runStatus)],
    ...facts.imageIds.map((id) => ["Image version", code(id)]),
    ["Source version", code(facts.sourceVersion)],
    ...(facts.artifacts ? [["Artifacts", plain(facts.artifacts)]] : []),
    ["Image template", code(facts.templateId)],
  ];
  const phases = facts.phases.map(({ name, durationInMs }) => [
    plain(name),
    spokenDuration(durationInMs),
  ]);
  return [
    "## Azure VM image",
    "",
    ...table(["", ""], rows),
    "",
    ...table(["Phase", "Duration"], phases),
    "",
  ].join("\n");
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)];
}

/** Text from outside that must not become markup: no new cell, line, tag, link or picture. */
function plain(text: string): string {
  return text.replace(/[\r\n]+/g, " ").replace(/[\\`*_[\]()!<>|~#]/g, "\\$&");
}

function code(text: string): string {
  return text === "" ? "" : `\`${text.replace(/[`\r\n]/g, "'").replace(/\|/g, "\\|")}\``;
}

import { expect, test } from "@jest/globals";
import { summaryMarkdown } from "../../shared/report/summary.ts";

test("the summary tells what was made, and hostile text stays text", () => {
  const markdown = summaryMarkdown({
    runStatus: "Succeeded",
    imageIds: ["/subscriptions/s/versions/1.0.0", "a`|\nb"],
    sourceVersion: "24.04.1",
    templateId: "/t",
    artifacts: "web.tar.gz (2.7 kB, sha256 ab)",
    phases: [
      { name: "Building", durationInMs: 65_000 },
      { name: "![x](https://evil/t.png) <b>|", durationInMs: 1_000 },
    ],
  });
  expect(markdown.split("\n")).toEqual([
    "## Azure VM image",
    "",
    "|  |  |",
    "| --- | --- |",
    "| Run | Succeeded |",
    "| Image version | `/subscriptions/s/versions/1.0.0` |",
    "| Image version | `a'\\|'b` |",
    "| Source version | `24.04.1` |",
    "| Artifacts | web.tar.gz \\(2.7 kB, sha256 ab\\) |",
    "| Image template | `/t` |",
    "",
    "| Phase | Duration |",
    "| --- | --- |",
    "| Building | 1 min 5 s |",
    "| \\!\\[x\\]\\(https://evil/t.png\\) \\<b\\>\\| | 1 s |",
    "",
  ]);
});

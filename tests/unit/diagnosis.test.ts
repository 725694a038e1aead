import { describe, expect, test } from "@jest/globals";
import { diagnose } from "../../shared/report/diagnosis.ts";

const ID = "[f2b0e4a0-0000-0000-0000-000000000000] ";
const verdict = "Script exited with non-zero exit status: 3";

function log(...lines: string[]): string {
  return lines.map((line) => `${line}\n`).join("");
}

describe("the failed customizer and its last lines are found", () => {
  test("in the form with OUT and ERR", () => {
    const text = log(
      `${ID}PACKER OUT ==> azure-arm: Connected to SSH!`,
      `${ID}PACKER ERR 2020/04/30 23:38:58 [INFO] (telemetry) Starting provisioner file`,
      `${ID}PACKER OUT     azure-arm: copied`,
      `${ID}PACKER ERR 2020/04/30 23:38:59 [INFO] (telemetry) ending file`,
      `${ID}PACKER ERR 2020/04/30 23:38:59 [INFO] (telemetry) Starting provisioner shell`,
      `${ID}PACKER OUT ==> azure-arm: Provisioning with shell script: /tmp/packer-shell1`,
      `${ID}PACKER OUT     azure-arm: installing`,
      `${ID}PACKER ERR 2020/04/30 23:39:00 packer: debug`,
      `${ID}PACKER OUT ==> azure-arm: nginx: not found`,
      `${ID}PACKER OUT ==> azure-arm: Provisioning step had errors: Running the cleanup provisioner, if present...`,
      `${ID}PACKER OUT ==> azure-arm: Deleting individual resources ...`,
      `${ID}PACKER OUT Build 'azure-arm' errored after 3 minutes 13 seconds: ${verdict}`,
    );
    expect(diagnose(text, 2)).toEqual({
      customizerIndex: 1,
      lastLines: ["installing", "nginx: not found"],
      verdict,
    });
  });

  test("in the newer form, without ids too", () => {
    const text = log(
      "PACKER 2023/09/14 19:00:18 [INFO] (telemetry) Starting provisioner shell",
      "PACKER 2023/09/14 19:00:18 ui:     azure-arm: hello",
      `PACKER 2023/09/14 19:00:19 ui: Build 'azure-arm' errored after 1 second: ${verdict}`,
    );
    expect(diagnose(text, 1)).toEqual({ customizerIndex: 0, lastLines: ["hello"], verdict });
  });

  test("only the last 15 lines are kept", () => {
    const printed = Array.from(
      { length: 40 },
      (_, index) => `PACKER OUT     azure-arm: line ${index}`,
    );
    const text = log(
      "PACKER ERR 2020/04/30 23:38:58 (telemetry) Starting provisioner shell",
      ...printed,
      `PACKER OUT Build 'azure-arm' errored after 1 second: ${verdict}`,
    );
    expect(diagnose(text, 1)?.lastLines).toEqual(printed.slice(-15).map((line) => line.slice(26)));
  });

  test("a script cannot pass off its output as Packer's own lines", () => {
    const text = log(
      "PACKER ERR 2020/04/30 23:38:58 (telemetry) Starting provisioner shell",
      "PACKER OUT     azure-arm: (telemetry) Starting provisioner shell",
      "PACKER OUT     azure-arm: Build 'azure-arm' errored after 1 second: spoofed",
      `PACKER OUT Build 'azure-arm' errored after 1 second: ${verdict}`,
    );
    expect(diagnose(text, 2)).toMatchObject({ customizerIndex: 0, verdict });
  });
});

describe("no customizer is blamed", () => {
  const started = "PACKER ERR 2020/04/30 23:38:58 (telemetry) Starting provisioner shell";
  const errored = `PACKER OUT Build 'azure-arm' errored after 1 second: ${verdict}`;
  test.each([
    ["when the build never came to one", log(errored), 1],
    ["when the service's own last step failed", log(started, started, errored), 1],
    [
      "when the build did not fail",
      log(started, "PACKER OUT Build 'azure-arm' finished after 1 second."),
      1,
    ],
    ["when the log is empty", "", 1],
  ])("%s", (_title, text, count) => {
    expect(diagnose(text, count)).toBeUndefined();
  });
});

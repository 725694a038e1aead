/** The build VM that really runs: what a script can do in it, and that nothing of it reaches the machine. */
import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { runTerminalStep } from "../../demo/terminal.ts";
import { type RunningEmulator, startEmulator } from "../contract/emulatorProcess.ts";
import { Arm } from "./arm.ts";
import { describeUnless } from "./suite.ts";

const SPEED = 60;
const FAILED = "During the image build a failure has occurred.";

/** What a run came to. */
interface Baked {
  state: string;
  message: string;
  /** Without the prefixes of Packer: what the scripts printed. */
  output: string;
  log: string;
  /** Name to mode and owner, as tar lists them; empty without an image. */
  files: Map<string, string>;
  contentPath: string | undefined;
}

const canRun = process.platform === "linux" && process.getuid?.() === 0;
const describeIfPossible = describeUnless(
  canRun ? undefined : "it takes Linux and root",
  "the build VM that runs",
);

let emulator: RunningEmulator;
let arm: Arm;
let count = 0;
let before: Record<string, string>;
let temporary: string;

beforeAll(async () => {
  if (!canRun) return;
  before = machineFacts();
  emulator = await startEmulator({
    speed: SPEED,
    moreArguments: ["--build-vm", "overlay", "--build-vm-disk-in-gb", "0.25"],
  });
  arm = new Arm(emulator);
  temporary = dirname(arm.value("CA_FILE"));
}, 60_000);

afterAll(async () => {
  if (!canRun) return;
  expect(readdirSync(join(temporary, "build-vms")).filter((n) => !n.startsWith("image-"))).toEqual(
    [],
  );
  expect(await emulator.stop()).toBe(0);
  expect(existsSync(temporary)).toBe(false);
  expect(leftovers(emulator.pid, temporary)).toBe("");
  expect(machineFacts()).toEqual(before);
}, 60_000);

/** What a script that escaped would change. */
function machineFacts(): Record<string, string> {
  return {
    etc: shell("ls -lA --time-style=full-iso /etc | sha256sum"),
    accounts: shell("sha256sum /etc/passwd /etc/shadow /etc/group /etc/hosts"),
    system: shell("ls -lA --time-style=full-iso /usr /usr/bin /usr/lib /opt | sha256sum; ls -A /"),
    sysctl: shell("cat /proc/sys/vm/swappiness /proc/sys/kernel/hostname /proc/sys/kernel/panic"),
    modules: shell("cat /proc/modules | cut -d' ' -f1 | sort"),
    boot: shell("cat /proc/sys/kernel/random/boot_id"),
  };
}

/** What an emulator has left of its build VMs: other emulators may run beside it. */
function leftovers(pid: number, folder: string): string {
  return [
    shell(`grep '${folder}' /proc/self/mountinfo`),
    shell(`find /sys/fs/cgroup -name 'azure-build-vm-${pid}-*'`),
    ...processesWith(`${folder}/`),
  ].join("");
}

function processesWith(text: string): string[] {
  return pidsWith(text).map((pid) => `${commandLineOf(pid)}\n`);
}

function pidsWith(text: string): number[] {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids.map(Number).filter((pid) => commandLineOf(pid).includes(text));
}

function commandLineOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
  } catch {
    return "";
  }
}

function shell(command: string): string {
  const { stdout } = spawnSync("sh", ["-c", command], { encoding: "utf8" });
  return stdout;
}

async function bake(
  inline: string[],
  changes: Record<string, unknown> = {},
  on = arm,
  running = emulator,
): Promise<Baked> {
  count += 1;
  const name = `vm-${count}`;
  const customize = [{ type: "Shell", name: "script", inline }];
  await on.create(name, on.template({ customize, ...changes }));
  const done = await on.run(name);
  const runs = await running.control.get<Array<{ templateName: string; log: string }>>("/runs");
  const log = runs.find((run) => run.templateName === name)?.log ?? "";
  const versions =
    await running.control.get<Array<{ id: string; contentPath?: string }>>("/image-versions");
  const contentPath = versions.at(-1)?.contentPath;
  if (process.env["SHOW_LOGS"]) console.log(log.slice(0, 5000));
  const status = done.properties.lastRunStatus;
  await on.delete(name);
  const isDone = status?.runState === "Succeeded";
  return {
    state: status?.runState ?? "",
    message: status?.message ?? "",
    output: outputOf(log),
    log,
    files: isDone && contentPath ? listing(contentPath) : new Map(),
    contentPath: isDone ? contentPath : undefined,
  };
}

function outputOf(log: string): string {
  const lines = log
    .split("\n")
    .map((line) => /PACKER OUT (?: {3}|==>) azure-arm: (.*)$/.exec(line)?.[1]);
  return lines.filter((line) => line !== undefined).join("\n");
}

function listing(file: string): Map<string, string> {
  const text = execFileSync("tar", ["--numeric-owner", "-tvzf", file], { encoding: "utf8" });
  const lines = text.trim().split("\n").filter(Boolean);
  return new Map(
    lines.map((line) => {
      const [mode = "", owner = "", , , , ...name] = line.split(/\s+/);
      return [name.join(" ").replace(/\/$/, ""), `${mode} ${owner}`];
    }),
  );
}

function fileIn(layer: string, name: string): string {
  return execFileSync("tar", ["-xzOf", layer, name], { encoding: "utf8" });
}

/** Uploads to the seeded account and answers the blob's URL. */
async function upload(name: string, content: Buffer | string): Promise<string> {
  const url = `${arm.value("BLOB_ENDPOINT")}artifacts/${name}`;
  const token = await arm.token("https://storage.azure.com/.default");
  const headers = {
    authorization: `Bearer ${token}`,
    "x-ms-version": "2025-07-05",
    "x-ms-blob-type": "BlockBlob",
  };
  const { status, text } = await arm.send("PUT", url, headers, content);
  if (status !== 201) throw new Error(`${status} ${text}`);
  return url;
}

function sha256(content: string | Buffer): string {
  return createHash("sha256").update(content).digest("hex");
}

describeIfPossible("a script in the build VM", () => {
  test("is packer, with sudo, in a /bin/sh -e script below /tmp", async () => {
    const { state, output, files } = await bake([
      'id -un; pwd; echo "$0"; echo "$PACKER_BUILDER_TYPE $PACKER_BUILD_NAME"',
      "touch /etc/x 2>/dev/null && echo wrote || echo may not write",
      "sudo touch /etc/x && echo sudo may",
      "sudo -E -n -H -u nobody id -un; FOO=bar sudo -E sh -c 'echo $FOO'; sudo A=b sh -c 'echo $A $HOME $SUDO_USER'",
      "sudo -nH -- sh -c 'id -u'; echo sudo -i is | sudo -i cat",
    ]);
    expect(state).toBe("Succeeded");
    expect(output).toMatch(
      /packer\n\/home\/packer\n\/tmp\/packer-shell\d+\nazure-arm azure-arm\nmay not write\nsudo may\nnobody\nbar\nb \/root packer\n0\nsudo -i is/,
    );
    expect([...files.keys()]).toEqual(["etc", "etc/x"]);
    expect(files.get("etc/x")).toMatch(/^-rw-r--r-- 0\/0$/);
  });

  test("sees no one's files, no other process, no device, no mount of the machine", async () => {
    const secret = mkdtempSync(join(tmpdir(), "vm-secret-"));
    writeFileSync(join(secret, "secret"), "the machine's secret");
    const { output } = await bake([
      `sudo cat ${secret}/secret ${arm.value("CA_FILE")} /etc/shadow- 2>&1 | grep -c PRIVATE || true`,
      `sudo ls ${temporary} ${process.cwd()} ${secret} 2>&1 | sed 's/^/ls: /'`,
      'echo "root: $(sudo ls -A /root) home: $(ls /home)"',
      'echo "devices: $(sudo find / -xdev -type b 2>/dev/null; ls /dev/*da /dev/mem /dev/kmsg 2>/dev/null)"',
      'echo "passwords: $(sudo cut -d: -f2 /etc/shadow | sort -u | tr "\\n" " ")"',
      "echo pids: $(ls /proc | grep -c '^[0-9]')",
      "sudo ls /proc/1/root/ | tr '\\n' ' '; sudo cat /proc/1/environ | tr '\\0' ' '",
    ]);
    rmSync(secret, { recursive: true });
    expect(output).not.toContain("the machine's secret");
    expect(output.match(/No such file/g)).toHaveLength(3);
    expect(output).toContain("root:  home: packer\ndevices: \npasswords: * \n");
    expect(Number(/pids: (\d+)/.exec(output)?.[1])).toBeLessThan(12);
    expect(output.replaceAll(process.cwd(), "")).not.toMatch(/work|EMULATOR/);
  });

  test("streams both outputs, survives long lines, binary bytes and floods", async () => {
    const { state, log } = await bake([
      "echo to stdout; echo to stderr >&2; echo by name >/dev/stderr; printf 'no line end'; printf '' ",
      "echo",
      "head -c 100000 /dev/zero | tr '\\0' x; echo",
      "head -c 3000 /dev/urandom; echo",
      "yes 'a flood of lines' | head -c 50000000",
      "echo after the flood",
    ]);
    expect(state).toBe("Succeeded");
    expect(log).toContain("PACKER OUT     azure-arm: to stdout\n");
    expect(log).toContain("PACKER OUT ==> azure-arm: to stderr\n");
    // Two streams: each keeps its order, but nothing orders one against the other.
    expect(log).toContain("PACKER OUT ==> azure-arm: by name\n");
    expect(log).toMatch(/azure-arm: to stdout\n[\s\S]*PACKER OUT {5}azure-arm: no line end\n/);
    expect(log).toContain("scripts printed more than 8 MiB");
    expect(log.length).toBeLessThan(60 * 1024 * 1024);
  });

  test("fails the run by its exit code", async () => {
    const baked = await bake(["echo one", "false", "echo never"]);
    expect(baked.state).toBe("Failed");
    expect(baked.message).toContain(FAILED);
    expect(baked.output).not.toContain("never");
    expect(baked.log).toContain(
      "Script exited with non-zero exit status: 1. Allowed exit codes are: [0]",
    );
  });
});

describeIfPossible("nothing a script does reaches the machine", () => {
  const ATTEMPTS = [
    ["calls reboot", "sudo reboot -f"],
    ["sets a kernel parameter", "sudo sysctl -w vm.swappiness=3"],
    ["writes to /proc/sys", "sudo sh -c 'echo 3 >/proc/sys/vm/swappiness'"],
    ["triggers sysrq", "sudo sh -c 'echo h >/proc/sysrq-trigger'"],
    ["sets the date", "sudo date -s 2001-01-01 >/dev/null"],
    ["makes a block device", "sudo mknod /etc/disk b 254 0"],
    ["makes a block device where devices work", "sudo mknod /dev/disk b 254 0"],
    ["mounts", "sudo mount -t tmpfs none /mnt"],
    ["mounts with namespaces of its own", "sudo unshare --mount true"],
    ["unmounts", "sudo umount /proc/sys"],
    ["makes a read-only mount writable", "sudo mount -o remount,rw /proc/sys"],
    ["writes to /sys", "sudo sh -c 'echo 1 >/sys/kernel/mm/ksm/run'"],
    [
      "loads a module",
      "sudo python3 -c 'import ctypes,os; l=ctypes.CDLL(None,use_errno=True); exit(l.syscall(313,0,b\"\",0)!=0)'",
    ],
    ["configures the network", "sudo ip link add dummy0 type dummy"],
    ["enters the namespaces of the first process", "sudo nsenter --target 1 --mount true"],
    ["reads the kernel's log", "sudo dmesg"],
    [
      "opens files by handle",
      "sudo python3 -c 'import ctypes; l=ctypes.CDLL(None); exit(l.open_by_handle_at(0,0,0)<0)'",
    ],
  ] as const;

  test("calls reboot, writes to devices and to the kernel's settings, mounts, sets the date", async () => {
    const lines = ATTEMPTS.map(([name, command]) => `if ${command}; then echo "it ${name}"; fi`);
    const baked = await bake([...lines, "echo tried all", "exit 9"]);
    expect(baked.output).not.toMatch(/^it /m);
    expect(baked.output).toContain("tried all");
    expect(baked).toMatchObject({ state: "Failed", message: expect.stringContaining(FAILED) });
    expect(machineFacts()).toEqual(before);
  });

  test.each([["sudo reboot -f"], ["sudo date -s 2001-01-01"], ["sudo sysctl -w vm.swappiness=3"]])(
    "%s ends the run",
    async (command) => {
      expect(await bake([command])).toMatchObject({ state: "Failed" });
    },
  );

  test.each([["kill -9 -1"], ["sudo kill -9 -1; sleep 60"], ["sudo sh -c 'kill -9 -1'; sleep 60"]])(
    "kills all processes: %s",
    async (command) => {
      const baked = await bake([command]);
      expect(baked.log).toContain("Script disconnected unexpectedly.");
      expect(baked).toMatchObject({ state: "Failed", message: expect.stringContaining(FAILED) });
    },
  );

  test("fills the disk", async () => {
    const baked = await bake(["sudo dd if=/dev/zero of=/opt/full bs=1M count=1000"]);
    expect(baked.output).toContain("No space left on device");
    expect(baked.state).toBe("Failed");
  });

  test("fills the memory", async () => {
    const baked = await bake(["python3 -c 'x = b\"x\" * (8 << 30)'"]);
    expect(baked.state).toBe("Failed");
  });

  test.each([[""], ["sudo "]])(
    "forks without end: %s",
    async (sudo) => {
      const changes = { buildTimeoutInMinutes: 6 };
      const baked = await bake([`${sudo}sh -c 'f() { f | f & }; while :; do f; done'`], changes);
      expect(baked.state).toBe("Failed");
    },
    60_000,
  );

  test("runs forever, until the build times out", async () => {
    const baked = await bake(["echo begun; sleep 1000000"], { buildTimeoutInMinutes: 6 });
    expect(baked.output).toContain("begun");
    expect(baked.message).toMatch(
      /Timeout waiting for microservice to complete: 'context deadline exceeded'$/,
    );
  }, 60_000);

  test("changes what it runs on for the next script", async () => {
    const evil = "#!/bin/sh\\ntouch /tmp/escaped-$(hostname); cat /proc/self/status | grep Cap";
    const baked = await bake([
      `for tool in setpriv sh cat head env nsenter unshare mount tar; do printf '${evil}' >/tmp/e; chmod +x /tmp/e; sudo -n true; done`,
      "sudo sh -c 'for t in setpriv head nsenter unshare mount tar; do rm -f /usr/bin/$t; cp /tmp/e /usr/bin/$t; done'",
      "true",
    ]);
    expect(["Failed", "Succeeded"]).toContain(baked.state);
    expect(existsSync(`/tmp/escaped-${execFileSync("hostname").toString().trim()}`)).toBe(false);
  });

  test("lays links for whoever packs the image", async () => {
    const victim = mkdtempSync(join(tmpdir(), "vm-victim-"));
    writeFileSync(join(victim, "file"), "still there");
    writeFileSync(join(victim, "passwd"), "packer:still there\n");
    mkdirSync(join(victim, "packer"));
    const baked = await bake([
      `sudo ln -s ${victim}/file /usr/share/.wh.doc; sudo rm -r /usr/share/doc`,
      `sudo rm -r /usr/share/man; sudo mkdir /usr/share/man; sudo ln -s ${victim}/file /usr/share/man/.wh..wh..opq`,
      `cd /; sudo mv /home/packer /opt/p; sudo rmdir /home; sudo ln -s ${victim} /home; sudo ln -s ${victim}/file /opt/link`,
      `sudo truncate -s 100G /opt/sparse; sudo sh -c 'cp -a /etc /etc2 && rm -r /etc; ln -s ${victim} /etc'`,
    ]);
    expect(baked.state).toBe("Succeeded");
    expect(readdirSync(victim).sort()).toEqual(["file", "packer", "passwd"]);
    expect(readFileSync(join(victim, "file"), "utf8")).toBe("still there");
    expect(readFileSync(join(victim, "passwd"), "utf8")).toBe("packer:still there\n");
    expect(baked.files.get("usr/share/.wh.doc")).toMatch(/^-/);
    expect(baked.files.get("usr/share/man/.wh..wh..opq")).toMatch(/^-/);
    rmSync(victim, { recursive: true });
  });

  test("reaches no other port of the machine", async () => {
    const server = createServer((socket) => socket.end("reached"));
    await new Promise<void>((resolve) => server.listen(0, "0.0.0.0", resolve));
    const address = server.address();
    const port = typeof address === "object" ? address?.port : 0;
    const baked = await bake([
      `curl -sS -m 2 http://127.0.0.1:${port}/ 2>&1 || true`,
      `curl -sSk -m 2 ${arm.value("ARM_ENDPOINT")} 2>&1 || true`,
      "curl -sS -m 2 http://192.0.2.1/ 2>&1 || true",
    ]);
    server.close();
    expect(baked.state).toBe("Succeeded");
    expect(baked.output.match(/curl: \(7\)/g)).toHaveLength(3);
    expect(baked.output).not.toContain("reached");
  });

  test("canceling ends it", async () => {
    await arm.create(
      "vm-cancel",
      arm.template({ customize: [{ type: "Shell", inline: ["sleep 86399"] }] }),
    );
    await arm.call("POST", `${arm.templateId("vm-cancel")}/run`);
    await arm.until(
      "vm-cancel",
      (shown) => shown.properties.lastRunStatus?.runSubState === "Customizing",
    );
    await arm.call("POST", `${arm.templateId("vm-cancel")}/cancel`);
    await arm.until(
      "vm-cancel",
      (shown) => shown.properties.lastRunStatus?.runState === "Canceled",
    );
    const left = shell("pgrep -fx 'sleep 86399'");
    expect(left).toBe("");
    await arm.delete("vm-cancel");
  });
});

describeIfPossible("customizers", () => {
  test("a script by its URI runs by its own interpreter", async () => {
    const script = "#!/usr/bin/python3\r\nimport sys\r\nprint('python', sys.version_info[0])\r\n";
    const scriptUri = await upload("script.py", script);
    const customize = [{ type: "Shell", name: "s", scriptUri, sha256Checksum: sha256(script) }];
    const { output, state } = await bake([], { customize });
    expect(output).toContain("Provisioning with shell script: script.py\npython 3");
    expect(state).toBe("Succeeded");
  });

  test("a file arrives below /tmp as packer's, elsewhere it is refused", async () => {
    const content = Buffer.alloc(3_000_000, "0123456789\n\0\xff", "latin1");
    const sourceUri = await upload("data.bin", content);
    const file = { type: "File", name: "f", sourceUri, sha256Checksum: sha256(content) };
    const check = { type: "Shell", inline: ["sha256sum /tmp/d.bin", "stat -c '%U %a' /tmp/d.bin"] };
    const good = await bake([], { customize: [{ ...file, destination: "/tmp/d.bin" }, check] });
    expect(good.output).toContain(`${sha256(content)}  /tmp/d.bin\npacker 644`);
    const bad = await bake([], { customize: [{ ...file, destination: "/opt/d.bin" }, check] });
    expect(bad.state).toBe("Failed");
    expect(bad.log).toContain("scp: /opt/d.bin: Permission denied");
  });

  test("validators run on the image, but do not change it", async () => {
    const validate = {
      inVMValidations: [
        {
          type: "Shell",
          name: "v",
          inline: ["cat /etc/made", "sudo touch /etc/validated", "exit 4"],
        },
      ],
      continueDistributeOnFailure: true,
    };
    const failing = await bake(["echo made | sudo tee /etc/made"], { validate });
    expect(failing.state).toBe("Failed");
    expect(failing.log).toContain("non-zero exit status: 4");
    validate.inVMValidations[0]?.inline.pop();
    const passing = await bake(["echo made | sudo tee /etc/made; sudo rm /etc/issue"], {
      validate,
    });
    expect(passing.state).toBe("Succeeded");
    expect([...passing.files.keys()]).toEqual(["etc", "etc/.wh.issue", "etc/made"]);
  });

  test("the deprovision script that a customizer leaves is the last step", async () => {
    const { output } = await bake([
      "echo 'echo deprovisioned by $(id -un)' >/tmp/DeprovisioningScript.sh",
    ]);
    expect(output).toContain("deprovisioned by root");
  });
});

describeIfPossible("the network of the build VM", () => {
  const IMDS = "http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01";
  const ask = `curl -sS -m 5 -H Metadata:true '${IMDS}&resource=https://storage.azure.com/'`;

  test("gives a token of the template's VM identity that reads a blob, trusted by every client", async () => {
    const url = await upload("for-the-vm.txt", "read with the identity of the VM\n");
    const vmProfile = { userAssignedIdentities: [arm.value("IDENTITY_ID")] };
    const { output, state } = await bake(
      [
        `curl -sS -m 5 '${IMDS}&resource=https://storage.azure.com/'; echo`,
        `token=$(${ask} | sed 's/.*"access_token":"\\([^"]*\\)".*/\\1/')`,
        `curl -sS -m 5 -H "Authorization: Bearer $token" -H 'x-ms-version: 2021-12-02' ${url}`,
        `wget -qO- --header="Authorization: Bearer $token" --header='x-ms-version: 2021-12-02' ${url}`,
        `TOKEN=$token python3 -c 'import os,urllib.request as u; print(u.urlopen(u.Request("${url}", headers={"Authorization":"Bearer "+os.environ["TOKEN"],"x-ms-version":"2021-12-02"})).read())'`,
        `curl -sS -m 5 -o /dev/null -w '%{http_code}\\n' ${url}`,
      ],
      { vmProfile },
    );
    expect(state).toBe("Succeeded");
    expect(output).toContain("bad_request_102");
    expect(output.match(/read with the identity of the VM/g)).toHaveLength(3);
    expect(output).toMatch(/\n401\n/);
  });

  test("gives no token to a VM without identity", async () => {
    const { output } = await bake([`${ask} -w ' %{http_code}\\n'`]);
    expect(output).toContain("Identity not found");
    expect(output).toContain(" 400");
  });

  test("unpacks 70 MB downloaded in the VM", async () => {
    const folder = mkdtempSync(join(tmpdir(), "vm-large-"));
    execFileSync("dd", [
      "if=/dev/urandom",
      `of=${folder}/large`,
      "bs=1M",
      "count=70",
      "status=none",
    ]);
    execFileSync("tar", ["-czf", `${folder}/large.tgz`, "-C", folder, "large"]);
    const url = await upload("large.tgz", readFileSync(`${folder}/large.tgz`));
    const expected = sha256(readFileSync(`${folder}/large`));
    rmSync(folder, { recursive: true });
    const { output, files } = await bake(
      [
        `token=$(${ask} | sed 's/.*"access_token":"\\([^"]*\\)".*/\\1/')`,
        `curl -sS -H "Authorization: Bearer $token" -H 'x-ms-version: 2021-12-02' -o /tmp/l.tgz ${url}`,
        "sudo mkdir -p /opt/x && sudo tar -xzf /tmp/l.tgz -C /opt/x && rm /tmp/l.tgz && sha256sum /opt/x/large",
      ],
      { vmProfile: { userAssignedIdentities: [arm.value("IDENTITY_ID")] } },
    );
    expect(output).toContain(expected);
    expect([...files.keys()]).toContain("opt/x/large");
  }, 60_000);
});

describeIfPossible("the image", () => {
  test("holds what changed and nothing of the emulator's own", async () => {
    const { files, contentPath = "" } = await bake([
      "sudo useradd --system --no-create-home web",
      "sudo rm -r /usr/share/doc; sudo mkdir /usr/share/doc; echo new | sudo tee /usr/share/doc/new",
      "mkdir ~/mine; touch ~/mine/x /tmp/t /var/tmp/v; sudo touch /run/r /root/r",
      "sudo ln -s /etc/passwd /opt/link; sudo install -m 4755 /bin/true /opt/suid; sudo install -d -m 700 -o nobody /opt/d",
    ]);
    expect(files.get("usr/share/doc/.wh..wh..opq")).toBeDefined();
    expect(files.get("opt/suid")).toBe("-rwsr-xr-x 0/0");
    expect(files.get("opt/d")).toMatch(/^drwx------ 65534\//);
    expect(files.get("opt/link -> /etc/passwd")).toMatch(/^l/);
    expect(
      [...files.keys()].filter((name) => /^(home|tmp|run|dev|proc|usr\/bin\/sudo)/.test(name)),
    ).toEqual([]);
    expect([...files.keys()]).toContain("root/r");
    const accounts = fileIn(contentPath, "etc/passwd");
    expect(accounts).toContain("web:x:");
    expect(accounts).not.toContain("packer");
  });

  test("two runs at once do not see each other", async () => {
    const inline = (name: string) => [
      `sudo touch /etc/${name} /tmp/${name}; sleep 2; ls /etc/vm-a /etc/vm-b /tmp 2>/dev/null || true`,
    ];
    const template = (name: string) =>
      arm.template({ customize: [{ type: "Shell", inline: inline(name) }] });
    await Promise.all([arm.create("vm-a", template("vm-a")), arm.create("vm-b", template("vm-b"))]);
    await Promise.all([arm.run("vm-a"), arm.run("vm-b")]);
    const runs = await emulator.control.get<Array<{ templateName: string; log: string }>>("/runs");
    const seen = (name: string) =>
      outputOf(runs.find((run) => run.templateName === name)?.log ?? "");
    expect(seen("vm-a")).not.toContain("vm-b");
    expect(seen("vm-b")).not.toContain("vm-a");
    await Promise.all([arm.delete("vm-a"), arm.delete("vm-b")]);
  });
});

describeIfPossible("the product's own build of docs/examples/web-server", () => {
  test("really installs the site in the image", async () => {
    const folder = mkdtempSync(join(tmpdir(), "vm-product-"));
    const job = {
      workspace: process.cwd(),
      folder,
      runId: "1",
      attempt: 1,
      emulator: emulator.env,
    };
    const result = await runTerminalStep({
      entry: "main",
      job,
      nodePath: process.execPath,
      inputs: {
        resourceGroupName: arm.value("RESOURCE_GROUP"),
        managedIdentity: arm.value("IDENTITY_ID"),
        storageAccountName: arm.value("STORAGE_ACCOUNT"),
        galleryImageId: arm.value("GALLERY_IMAGE_ID"),
        sourceImage: "Canonical:ubuntu-24_04-lts:server:latest",
        artifactsPath: "docs/examples/web-server",
        artifactsDestination: "/opt/web-server",
        script: "sudo sh /opt/web-server/install.sh",
        templateName: "web-server",
      },
      signIn: { kind: "secret", secret: arm.value("CLIENT_SECRET") },
    });
    rmSync(folder, { recursive: true });
    expect(result.succeeded).toBe(true);
    const runs = await emulator.control.get<Array<{ templateName: string; log: string }>>("/runs");
    const log = runs.find((run) => run.templateName === "web-server")?.log ?? "";
    expect(log).toContain(
      "PACKER OUT     azure-arm: web-server: copying the site to /var/www/web-server\n",
    );
    expect(log).toMatch(/web-server: done, \d+ pages installed/);
    const versions = await emulator.control.get<Array<{ contentPath?: string }>>("/image-versions");
    const files = listing(versions.at(-1)?.contentPath ?? "");
    expect(files.get("var/www/web-server")).toBe("drwxr-xr-x 0/0");
    expect(files.get("var/www/web-server/index.html")).toBe("-rw-r--r-- 0/0");
    expect(files.get("etc/systemd/system/web-server.service")).toBe("-rw-r--r-- 0/0");
    const link =
      "etc/systemd/system/multi-user.target.wants/web-server.service -> /etc/systemd/system/web-server.service";
    expect(files.get(link)).toMatch(/^l/);
    expect([...files.keys()]).toContain("opt/web-server/install.sh");
  }, 60_000);
});

describeIfPossible("an emulator that ends in the middle of a run", () => {
  test.each([["SIGTERM"], ["SIGKILL"]] as const)(
    "by %s leaves nothing",
    async (signal) => {
      const other = await startEmulator({ speed: SPEED });
      const client = new Arm(other);
      const folder = dirname(client.value("CA_FILE"));
      const customize = [{ type: "Shell", inline: ["sleep 86398"] }];
      await client.create("ends", client.template({ customize }));
      await client.call("POST", `${client.templateId("ends")}/run`);
      const pids = () => shell("pgrep -fx 'sleep 86398'");
      while (!pids()) await new Promise((resolve) => setTimeout(resolve, 50));
      if (signal === "SIGKILL") process.kill(other.pid, signal);
      await other.stop();
      for (let waited = 0; pids() && waited < 40; waited += 1) {
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      expect(pids()).toBe("");
      if (signal === "SIGTERM") expect(existsSync(folder)).toBe(false);
      // Azurite outlives a killed emulator, and empty control groups wait for the next one.
      if (signal === "SIGKILL") await (await startEmulator()).stop();
      const left = leftovers(other.pid, folder).split("\n");
      expect(left.filter((line) => line && !line.includes("azurite"))).toEqual([]);
      for (const pid of pidsWith(`${folder}/server.pem`)) process.kill(pid);
      rmSync(folder, { recursive: true, force: true });
    },
    60_000,
  );
});

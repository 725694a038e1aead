/** A build VM that really runs: a throw-away view of this machine in which scripts are packer, with `sudo`. */
import { randomInt, randomUUID } from "node:crypto";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { BuildLog } from "../buildLog.ts";
import {
  actOut,
  announce,
  type BuildVm,
  CustomizerError,
  type CustomizerRun,
  simulate,
} from "../customizers.ts";
import { objectOf, stringOf, stringsOf } from "../json.ts";
import { nonZeroExit } from "../provisioning.ts";
import type { Behaviour } from "../scenarios.ts";
import type { Template } from "../template.ts";
import type { Timeline } from "../timeline.ts";
import { type ControlGroup, type Limits, makeControlGroup } from "./cgroup.ts";
import { Disk } from "./disk.ts";
import { type IdentitySources, makeIdentityEndpoint } from "./identityEndpoint.ts";
import { writeLayer } from "./layer.ts";
import { Machine } from "./machine.ts";
import { Network } from "./network.ts";
import { OutputLimit } from "./output.ts";
import { fileDestination, powerShellScript, type Script, shellScript } from "./scripts.ts";

const DEPROVISIONING_SCRIPT = "/tmp/DeprovisioningScript.sh";
// Source: Packer's shell provisioner, when the connection ends before the script.
const DISCONNECTED =
  'Script disconnected unexpectedly. If you expect your script to disconnect, i.e. from a restart, you can try adding `"expect_disconnect": true` or `"valid_exit_codes": [0, 2300218]` to the shell provisioner parameters.';

/** What all build VMs of an emulator share. */
export interface BuildVmSettings {
  /** Holds disks, sockets and images; only the emulator's user may read it. */
  folder: string;
  diskSizeInBytes: number;
  limits: Limits;
  /** Of the user packer. */
  uid: number;
  ca: string;
  hiddenFolders: readonly string[];
  blobPort: number;
  identities: IdentitySources;
  behaviour: () => Behaviour;
}

/** What a build VM must know of the image template. */
export type BuildVmTemplate = Pick<Template, "properties" | "files">;

interface Running {
  machine: Machine;
  network: Network;
}

/** See BuildVm. */
export class OverlayBuildVm implements BuildVm {
  readonly #settings: BuildVmSettings;
  readonly #template: BuildVmTemplate;
  readonly #folder: string;
  readonly #disk: Disk;
  readonly #group: ControlGroup;
  readonly #output = new OutputLimit();
  /** Names of the layers on the disk, the uppermost first; the first made is the image. */
  readonly #layers: string[] = [];
  readonly #undo: () => Promise<void>;
  #running: Running | undefined;

  private constructor(
    settings: BuildVmSettings,
    template: BuildVmTemplate,
    parts: { folder: string; disk: Disk; group: ControlGroup; undo: () => Promise<void> },
  ) {
    this.#settings = settings;
    this.#template = template;
    this.#folder = parts.folder;
    this.#disk = parts.disk;
    this.#group = parts.group;
    this.#undo = parts.undo;
  }

  /** Resolves when it answers. @throws {Error} when this machine cannot do it */
  static async boot(
    settings: BuildVmSettings,
    template: BuildVmTemplate,
    onEnd = () => {},
  ): Promise<OverlayBuildVm> {
    const id = randomUUID().slice(0, 8);
    const folder = join(settings.folder, id);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const group = await makeControlGroup(id, settings.limits);
    const { uid, ca, hiddenFolders, diskSizeInBytes: sizeInBytes } = settings;
    const options = { folder: join(folder, "disk"), sizeInBytes, uid, ca, hiddenFolders };
    const undo = async () => {
      await group.remove();
      await rm(folder, { recursive: true, force: true });
      onEnd();
    };
    const disk = await Disk.make(options).catch(async (error: unknown) => {
      await undo();
      throw error;
    });
    const vm = new OverlayBuildVm(settings, template, { folder, disk, group, undo });
    try {
      await vm.#start();
    } catch (error) {
      await vm.end();
      throw error;
    }
    return vm;
  }

  /** Why a script cannot be root here, or undefined when it can. @throws {Error} when it does not even boot */
  static async tryOut(settings: BuildVmSettings): Promise<string | undefined> {
    const vm = await OverlayBuildVm.boot(settings, { properties: {} });
    const complaints: string[] = [];
    const note = (line: string) => complaints.push(line);
    const sink = { stdout: note, stderr: note };
    const code = await (await vm.#machine()).run("sudo test -d /root", sink);
    await vm.end();
    return code === 0 ? undefined : `sudo does not work in its build VM: ${complaints.join(" ")}`;
  }

  async run(run: CustomizerRun): Promise<number> {
    const behaviour = this.#settings.behaviour();
    const exitCode = await this.#runReally(run);
    if (exitCode === undefined) return simulate(run, behaviour);
    return exitCode === 0 ? actOut(run, behaviour) : exitCode;
  }

  async deprovision(log: BuildLog, timeline: Timeline): Promise<void> {
    const machine = await this.#machine();
    const sink = this.#output.sink(log);
    const found = await timeline.spend(machine.run(`[ -f ${DEPROVISIONING_SCRIPT} ]`, sink));
    if (found !== 0) {
      log.output("WARNING! The waagent service will be stopped.");
      log.output("The emulated build VM has no waagent: only the user packer is removed.");
      return;
    }
    const code = await timeline.spend(machine.run(`sudo sh ${DEPROVISIONING_SCRIPT}`, sink));
    if (code === undefined) throw new CustomizerError(DISCONNECTED);
    if (code !== 0) throw nonZeroExit(code);
  }

  async powerOff(): Promise<void> {
    const running = this.#running;
    this.#running = undefined;
    await running?.machine.kill();
    await running?.network.end();
  }

  async capture(): Promise<string> {
    await this.powerOff();
    const file = join(this.#settings.folder, `image-${randomUUID()}.tar.gz`);
    await writeLayer(this.#disk.path(this.#layers.at(-1) ?? ""), file);
    return file;
  }

  async end(): Promise<void> {
    await this.powerOff();
    await this.#disk.end();
    await this.#undo();
  }

  /** Answers the exit code; undefined when the emulator has no way to run this customizer. */
  async #runReally({ customizer, log, timeline }: CustomizerRun): Promise<number | undefined> {
    const type = stringOf(customizer["type"]);
    const uri = stringOf(customizer["scriptUri"]) || stringOf(customizer["sourceUri"]);
    const file = this.#template.files?.get(uri);
    if (uri && !file) {
      log.debug(
        `The emulator reaches no other storage than its own: ${uri.split("?")[0]} is simulated.`,
      );
      return undefined;
    }
    const machine = await this.#machine();
    const number = randomInt(1e8, 1e9);
    if (type === "File") {
      announce(customizer, log);
      return timeline.spend(this.#upload(machine, customizer, file ?? Buffer.alloc(0), log));
    }
    if (type === "PowerShell" && (await this.#hasPowerShell(machine, log, timeline))) {
      announce(customizer, log);
      const script = powerShellScript(customizer, file, number);
      return timeline.spend(this.#execute(machine, script, log));
    }
    if (type !== "Shell") {
      log.debug(`The emulated build VM has nothing that runs ${type}: it is simulated.`);
      return undefined;
    }
    const script = shellScript(customizer, file, number);
    announce(customizer, log, script.path);
    return timeline.spend(this.#execute(machine, script, log));
  }

  async #hasPowerShell(machine: Machine, log: BuildLog, timeline: Timeline): Promise<boolean> {
    const sink = { stdout: () => undefined, stderr: this.#output.sink(log).stderr };
    return (await timeline.spend(machine.run("command -v pwsh", sink))) === 0;
  }

  async #upload(
    machine: Machine,
    customizer: Parameters<typeof fileDestination>[0],
    content: Buffer,
    log: BuildLog,
  ): Promise<number> {
    const path = fileDestination(customizer);
    if (path === undefined) {
      const refused = `scp: ${stringOf(customizer["destination"])}: Permission denied`;
      log.step(refused);
      throw new CustomizerError(`Upload failed: ${refused}`);
    }
    await this.#put(machine, path, content, log);
    return 0;
  }

  async #execute(machine: Machine, script: Script, log: BuildLog): Promise<number> {
    await this.#put(machine, script.path, script.content, log);
    const sink = this.#output.sink(log);
    const code = await machine.run(script.command, sink);
    if (code === undefined) throw new CustomizerError(DISCONNECTED);
    await machine.run(`rm -f ${script.path}`, sink);
    return code;
  }

  async #put(machine: Machine, path: string, content: Buffer, log: BuildLog): Promise<void> {
    const code = await machine.put(path, content, this.#output.sink(log));
    if (code === 0) return;
    throw new CustomizerError(
      `Upload failed: scp: ${path}: ${code === undefined ? "lost connection" : "Failure"}`,
    );
  }

  async #machine(): Promise<Machine> {
    return (this.#running ?? (await this.#start())).machine;
  }

  /** Boots over the layers that are there, so that a second VM begins with the image that the first one left. */
  async #start(): Promise<Running> {
    const { uid, blobPort, identities } = this.#settings;
    const layer = `layer${this.#layers.length}`;
    const { memberFiles } = this.#group;
    const boot = { disk: this.#disk, layer, layersBelow: this.#layers, uid, memberFiles };
    const machine = await Machine.boot(boot);
    this.#layers.unshift(layer);
    const profile = objectOf(this.#template.properties["vmProfile"]);
    const identityIds = stringsOf(profile["userAssignedIdentities"]);
    const identityEndpoint = makeIdentityEndpoint(identities, identityIds);
    const connection = { machine, folder: this.#folder, blobPort, identityEndpoint };
    try {
      const network = await Network.connect(connection);
      this.#running = { machine, network };
      return this.#running;
    } catch (error) {
      await machine.kill();
      throw error;
    }
  }
}

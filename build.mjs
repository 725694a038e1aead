// Bundles every host and renders the files that are made from shared/contract.ts. `--check` compares instead of writing.
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { build } from "esbuild";

const root = import.meta.dirname;

const bundles = {
  "action/dist/index.cjs": "action/main.ts",
  "action/dist/post.cjs": "action/post.ts",
  "task/dist/index.cjs": "task/main.ts",
  "task/dist/post.cjs": "task/post.ts",
  "local/dist/index.cjs": "local/main.ts",
};

// What stands in git, and so can differ from its source.
const isCommitted = (file) => !/^(task|local)\/dist\//.test(file);

/** Bundles entry points into CommonJS files that need nothing beside them. */
async function bundle(entryPoint) {
  const result = await build({
    absWorkingDir: root,
    entryPoints: [entryPoint],
    bundle: true,
    platform: "node",
    target: "node20",
    format: "cjs",
    charset: "utf8",
    // The same bytes wherever node_modules is linked from.
    preserveSymlinks: true,
    legalComments: "none",
    logLevel: "error",
    write: false,
    // Packages that are modules only ask for their own URL while they load.
    banner: { js: 'const importMetaUrl = require("node:url").pathToFileURL(__filename).href;' },
    define: { "import.meta.url": "importMetaUrl" },
  });
  return result.outputFiles[0].text;
}

async function readContract() {
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: ["shared/contract.ts"],
    bundle: true,
    format: "esm",
    write: false,
  });
  return import(
    `data:text/javascript;base64,${Buffer.from(outputFiles[0].text).toString("base64")}`
  );
}

const isOn =
  (host) =>
  ([, { hosts }]) =>
    hosts === undefined || hosts.includes(host);

/** A description with `{name}` in the spelling of a host. */
function spelled(description, spell) {
  if (!description) throw new Error("An input or output has no description.");
  return description.replace(/\{(\w+)\}/g, (_, name) => `\`${spell(name)}\``);
}

function renderAction({ inputs, outputs, kebabCase }) {
  const text = JSON.stringify;
  const input = ([name, { description, required, default: fallback }]) => [
    `  ${kebabCase(name)}:`,
    `    description: ${text(spelled(description, kebabCase))}`,
    `    required: ${required ?? false}`,
    ...(fallback === undefined ? [] : [`    default: ${text(fallback)}`]),
  ];
  const output = ([name, { description }]) => [
    `  ${kebabCase(name)}:`,
    `    description: ${text(spelled(description, kebabCase))}`,
  ];
  return [
    "# Rendered from shared/contract.ts by `npm run build`: change it there.",
    "name: Build Azure VM image",
    "description: Bakes a golden VM image with Azure VM Image Builder and hands over its image version.",
    "author: azure-vm-image-builder",
    "branding:",
    "  icon: hard-drive",
    "  color: blue",
    "inputs:",
    ...Object.entries(inputs).filter(isOn("github")).flatMap(input),
    "outputs:",
    ...Object.entries(outputs).flatMap(output),
    "runs:",
    "  using: node24",
    "  main: action/dist/index.cjs",
    "  post: action/dist/post.cjs",
    "",
  ].join("\n");
}

const taskTypes = {
  string: "string",
  lines: "multiLine",
  choice: "pickList",
  connection: "connectedService:AzureRM",
};

/** Everything that `task.json` says beside the contract stays as it is in the file. */
function renderTask(current, { inputs, outputs, inputGroups }, version) {
  const same = (name) => name;
  const [Major, Minor, Patch] = version.split(".").map(Number);
  const declared = Object.entries(inputs).filter(isOn("azure-pipelines"));
  const used = new Set(declared.map(([, { group }]) => group));
  const task = {
    ...current,
    version: { Major, Minor, Patch },
    groups: Object.entries(inputGroups)
      .filter(([name]) => used.has(name))
      .map(([name, displayName]) => ({ name, displayName, isExpanded: true })),
    inputs: declared.map(
      ([name, { type, label, group, required, default: fallback, options, description }]) => ({
        name,
        type: taskTypes[type],
        label,
        groupName: group,
        required: required ?? false,
        defaultValue: fallback ?? "",
        ...(options && { options: Object.fromEntries(options.map((option) => [option, option])) }),
        helpMarkDown: spelled(description, same),
      }),
    ),
    outputVariables: Object.entries(outputs).map(([name, { description }]) => ({
      name,
      description: spelled(description, same),
    })),
    restrictions: { settableVariables: { allowed: Object.keys(outputs) } },
  };
  return `${JSON.stringify(task, null, 2)}\n`;
}

function inputTable({ inputs, kebabCase }) {
  const row = ([name, declaration]) => {
    const { description, required, default: fallback } = declaration;
    const github = isOn("github")([name, declaration]) ? `\`${kebabCase(name)}\`` : "";
    const pipelines = isOn("azure-pipelines")([name, declaration]) ? `\`${name}\`` : "";
    const standard = required ? "required" : fallback === undefined ? "" : `\`${fallback}\``;
    return [github, pipelines, standard, spelled(description, kebabCase)];
  };
  const head = ["GitHub", "Azure Pipelines", "Default", "Meaning"];
  return table(head, Object.entries(inputs).map(row));
}

function outputTable({ outputs, kebabCase }) {
  const row = ([name, { description }]) => [`\`${kebabCase(name)}\``, `\`${name}\``, description];
  return table(["GitHub", "Azure Pipelines", "Meaning"], Object.entries(outputs).map(row));
}

function table(head, rows) {
  const line = (cells) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

function renderReadme(current, contract) {
  const tables = { inputs: inputTable(contract), outputs: outputTable(contract) };
  return Object.entries(tables).reduce((text, [name, body]) => {
    const marked = new RegExp(`(<!-- ${name}:begin -->\n)[^]*?(\n<!-- ${name}:end -->)`);
    if (!marked.test(text)) throw new Error(`README.md has no markers for the table of ${name}.`);
    return text.replace(marked, (_, begin, end) => begin + body + end);
  }, current);
}

const read = (file) => readFile(path.join(root, file), "utf8");

/** Every file that this program makes, by its path, with its text. */
async function render() {
  const contract = await readContract();
  const { version } = JSON.parse(await read("package.json"));
  const files = {
    "action.yml": renderAction(contract),
    "task/task.json": renderTask(JSON.parse(await read("task/task.json")), contract, version),
    "README.md": renderReadme(await read("README.md"), contract),
  };
  const bundled = Object.entries(bundles).map(async ([file, entry]) => [file, await bundle(entry)]);
  return { ...files, ...Object.fromEntries(await Promise.all(bundled)) };
}

async function differs([file, text]) {
  const present = await read(file).catch(() => undefined);
  return present !== text;
}

async function check(files) {
  const known = files.map(([file]) => file);
  for (const name of await readdir(path.join(root, "action/dist"))) {
    if (known.includes(`action/dist/${name}`)) continue;
    console.error(`action/dist/${name} comes from nowhere. Delete it.`);
    process.exitCode = 1;
  }
  for (const file of files) {
    if (!isCommitted(file[0]) || !(await differs(file))) continue;
    console.error(`${file[0]} is not what its source makes of it. Run: npm run build`);
    process.exitCode = 1;
  }
}

async function write(files) {
  for (const file of files) {
    if (!(await differs(file))) continue;
    await mkdir(path.dirname(path.join(root, file[0])), { recursive: true });
    await writeFile(path.join(root, file[0]), file[1]);
  }
}

const files = Object.entries(await render());
await (process.argv.includes("--check") ? check(files) : write(files));

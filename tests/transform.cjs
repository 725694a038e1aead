// Lets jest load TypeScript and modules as CommonJS, by the same tool that makes the bundles.
const { transformSync } = require("esbuild");

module.exports = {
  process(source, file) {
    const { code, map } = transformSync(source, {
      loader: file.endsWith(".ts") ? "ts" : "js",
      format: "cjs",
      platform: "node",
      target: "node20",
      sourcefile: file,
      sourcemap: "both",
      define: {
        "import.meta.url": "__importMetaUrl",
        "import.meta.dirname": "__dirname",
        "import.meta.filename": "__filename",
      },
      banner: 'const __importMetaUrl = require("node:url").pathToFileURL(__filename).href;',
    });
    return { code, map };
  },
};

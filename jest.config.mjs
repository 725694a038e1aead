/** @type {import("jest").Config} */
export default {
  // `npm run test:emulator` asks for the emulator's own suite, which takes minutes and root.
  testMatch: process.env["EMULATOR_SUITE"]
    ? ["<rootDir>/tests/emulator/*.test.ts"]
    : ["<rootDir>/tests/{unit,contract}/*.test.ts"],
  transform: { "\\.(ts|js|mjs)$": "<rootDir>/tests/transform.cjs" },
  // These packages, and what they stand on, are modules only; everything else loads as it is.
  transformIgnorePatterns: [
    "/node_modules/(?!(archiver|uuid|@actions|@azure|@azure-rest|@typespec|is-stream|zip-stream|compress-commons|crc32-stream|readdir-glob)/)",
  ],
  testTimeout: 120_000,
  maxWorkers: 2,
};

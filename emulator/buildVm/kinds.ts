/** What `--build-vm` takes: whether scripts really run. */
export const BUILD_VM_KINDS = ["auto", "overlay", "simulated"] as const;

/** `auto` really runs them where the machine allows it. */
export type BuildVmKind = (typeof BUILD_VM_KINDS)[number];

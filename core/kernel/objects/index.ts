// The kernel objects that programs meet: tasks, cgroups, sockets, routes. Each is saved and restored with the kernel.
export { addressOf, ObjectStore, type KernelPart } from "./kobject.ts";
export { KernelTypes } from "./types.ts";
export { Cgroups, ROOT_CGROUP, type Cgroup } from "./cgroups.ts";
export { Tasks, VMAS, PT_REGS_BYTES, type Vma } from "./tasks.ts";
export { Sockets, SimSocket, type SocketSpec } from "./sockets.ts";
export { Routes, type Route, type Neighbour } from "./routes.ts";
export { Files, type SimFile } from "./files.ts";
export { DeferredWork, type Deferred, type Armed } from "./deferred.ts";
export { Conntrack, type CtEntry, type CtTuple } from "./conntrack.ts";

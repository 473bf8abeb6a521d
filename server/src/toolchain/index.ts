// Finding and running clang. Everything above sees only these names; nothing here knows LSP.
export { compileC } from "./compile.ts";
export { findClang, type Clang, type ClangSearch } from "./find-clang.ts";
export { installHint } from "./hints.ts";
export { flagsFor, type FileFlags } from "./flags.ts";
export { vmlinuxOf } from "./vmlinux.ts";
export type * from "./types.ts";

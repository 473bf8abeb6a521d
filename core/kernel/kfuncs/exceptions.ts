// Exceptions of programs (kernel/bpf/helpers.c, bpf_throw, 6.18). The machine unwinds; nothing is released here, as the verifier lets nothing be held.
import type { KfuncTable } from "./types.ts";

export const EXCEPTION_KFUNCS: KfuncTable = {
  bpf_throw: (_k, vm) => vm.requestUnwind(),
};

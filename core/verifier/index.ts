// The verifier: answers as Linux 6.18 would. It sees instructions, maps and types, never source text or a host.
export * from "./types.ts";
export { KERNEL_GAPS, type KernelGap } from "./gaps.ts";
export type { VerifyObserver, Watched } from "./observer.ts";
export { verify } from "./verify.ts";
export { CHECK_IDS, type CheckId } from "./check-ids.ts";

// Places where Linux 6.18.44 accepts what it should not, found by running programs beside the states (npm run lockstep). Data only.
// The verifier here answers as that kernel does; with VerifyOptions.closeGaps it does not follow it into these.
export interface KernelGap {
  readonly id: string;
  /** Function of kernel/bpf/verifier.c. */
  readonly where: string;
  readonly what: string;
}
export const KERNEL_GAPS: readonly KernelGap[] = [
  {
    id: "atomic-fetch-precision",
    where: "backtrack_insn",
    what: "a register that an atomic instruction filled from a spilled scalar is not followed into that slot: paths that differ in it are pruned",
  },
  {
    id: "sign-extending-fill",
    where: "check_stack_read_fixed_off",
    what: "a load that sign-extends part of a spilled scalar stays linked to the slot, though the two are different numbers",
  },
  {
    id: "loop-count-precision",
    where: "backtrack_insn",
    what: "the number of rounds of bpf_loop is not kept precise where a callback begins: more rounds are pruned by a path with fewer",
  },
];

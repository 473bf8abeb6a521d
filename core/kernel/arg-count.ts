// How many arguments a call takes, from the catalog and the kernel's types. It runs nothing.
import { helperById } from "../catalog/index.ts";
import { BTF_KIND, type Btf } from "../object/index.ts";
import { OP, type Program } from "../vm/index.ts";

/** Arguments that the kernel itself fills in or does not look at (is_kfunc_arg_ignore, is_kfunc_arg_prog, kernel/bpf/verifier.c, 6.18). */
const GIVEN = /__(ign|prog)$/;

/** Counts a call's arguments in r1..r5; 0 for a kernel function when its types are not there. */
export function argCounter(types: Btf | undefined): (program: Program, slot: number) => number {
  return (program, slot) => {
    const imm = program.imm[slot]!;
    if (program.plainOp[slot] !== OP.CALL_KFUNC) return helperById(imm)?.args.length ?? 0;
    if (!types || program.off[slot] !== 0 || imm <= 0 || imm >= types.typeCount) return 0;
    const func = types.type(imm);
    if (func.kind !== BTF_KIND.FUNC) return 0;
    const { params } = types.type(func.type);
    const ignored = params.findIndex((p) => GIVEN.test(p.name));
    return Math.min(5, ignored < 0 ? params.length : ignored);
  };
}

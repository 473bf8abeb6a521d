// Faults to plant into the verifier, one at a time, to see that lockstep finds them. Each text must occur exactly once in its file. Data only.
export interface Fault {
  readonly name: string;
  /** Where it is planted, from the project's root. */
  readonly file: string;
  readonly from: string;
  readonly to: string;
}
const SCALAR = "core/verifier/domain/assembly/scalar.ts";
const TRANSFER = "core/verifier/transfer";
const EXPLORE = "core/verifier/explore";

export const FAULTS: readonly Fault[] = [
  {
    name: "addition: unsigned maximum one too small",
    file: SCALAR,
    from: "  const umax = d.umax + s.umax;\n  // Both or neither",
    to: "  const umax = d.umax + s.umax - (d.umin == d.umax ? 0 : 1);\n  // Both or neither",
  },
  {
    name: "32-bit multiplication: a corner of the signed range forgotten",
    file: SCALAR,
    from: "  const p2 = <i64>d.s32max * <i64>s.s32min;",
    to: "  const p2 = p1;",
  },
  {
    name: "bitwise or: bits known that only one side knows",
    file: SCALAR,
    from: "  tnum(v, (am | bm) & ~v);",
    to: "  tnum(v, am & bm & ~v);",
  },
  {
    name: "32-bit signed right shift: maximum shifted too far",
    file: SCALAR,
    from: "  d.s32max >>= n;",
    to: "  d.s32max >>= n + 1;",
  },
  {
    name: "32-bit comparison: less-than takes two off the maximum",
    file: SCALAR,
    from: "a.u32max = min<u32>(a.u32max, b.u32max - 1);",
    to: "a.u32max = min<u32>(a.u32max, b.u32max - 2);",
  },
  {
    name: "sign extension: maximum half of what it is",
    file: SCALAR,
    from: "  s.smax = limit - 1;",
    to: "  s.smax = (limit >> 1) - 1;",
  },
  {
    name: "32-bit byte swap: unknown bits not swapped",
    file: SCALAR,
    from: "    d.mask = <u64>bswap<u32>(<u32>d.mask);",
    to: "    d.mask = <u64>(<u32>d.mask);",
  },
  {
    name: "link by constant: distance added the wrong way",
    file: SCALAR,
    from: "setKnown(B, <u64>(<i64>to - <i64>from));",
    to: "setKnown(B, <u64>(<i64>from - <i64>to));",
  },
  {
    name: "link by constant: a distance at 32 bits added at 64",
    file: `${TRANSFER}/linked.ts`,
    from: "(reg.id | known.id) & BPF_ADD_CONST32 ? 1 : 0",
    to: "0",
  },
  {
    name: "scalar id kept after an operation that is no addition of a constant",
    file: `${TRANSFER}/alu.ts`,
    from: "env.regs[insn.dst] = after.unlinked();",
    to: "env.regs[insn.dst] = after;",
  },
  {
    name: "scalar id kept by a 32-bit move of a number that does not fit",
    file: `${TRANSFER}/alu.ts`,
    from: "    r = fits ? from : from.unlinked();",
    to: "    r = from;",
  },
  {
    name: "precision of a predicted comparison not asked for",
    file: `${TRANSFER}/jump.ts`,
    from: "    if (dst.type === T.SCALAR_VALUE) markPrecise(env, insn.dst);",
    to: "",
  },
  {
    name: "precision not followed into the source of an operation",
    file: `${EXPLORE}/backtrack.ts`,
    from: "  if (fromReg && insn.src !== op.BPF_REG_FP) bt.set(insn.src);",
    to: "",
  },
  {
    name: "spill not invalidated by a store at a varying offset",
    file: `${TRANSFER}/stack-access.ts`,
    from: "    frame.stack[spi] = new Slot(r, setType(types, at & 7, next));",
    to: "    frame.stack[spi] = slot.isSpilled ? slot : new Slot(r, setType(types, at & 7, next));",
  },
  {
    name: "spill not invalidated by a store of some of its bytes",
    file: `${TRANSFER}/stack-access.ts`,
    from: "  frame.stack[spi] = new Slot(env.notInit, types);",
    to: "  frame.stack[spi] = slot.isSpilled ? slot : new Slot(env.notInit, types);",
  },
  {
    name: "stack reads not noted: slots that are read taken for dead",
    file: `${TRANSFER}/stack-access.ts`,
    from: "  env.liveness.markRead(frame.frameno, env.insnIdx, spi);",
    to: "",
  },
  {
    name: "packet range one byte too large",
    file: `${TRANSFER}/jump.ts`,
    from: "  const range = ptr.off + (rightOpen ? 1 : 0);",
    to: "  const range = ptr.off + 1;",
  },
  {
    name: "pruning: the offset of a map value not compared",
    file: `${EXPLORE}/equal.ts`,
    from: "        env.D.ops.within(old.s, cur.s) !== 0 &&\n        ids.same(old.id, cur.id) &&\n        ids.same(old.refObjId, cur.refObjId)",
    to: "        ids.same(old.id, cur.id) &&\n        ids.same(old.refObjId, cur.refObjId)",
  },
];

// Loads from and stores to the stack: spills, fills and single bytes (check_stack_read_*, check_stack_write_*, 6.18).
import * as op from "../../isa/index.ts";
import { EACCES, EINVAL, type Env } from "../env.ts";
import { Reg } from "../domain/reg.ts";
import * as T from "../domain/reg-types.ts";
import { BPF_REG_SIZE, scrub, setType, Slot, STACK_INVALID, STACK_MISC, STACK_SPILL, STACK_ZERO } from "../domain/stack.ts";
import type { FuncState } from "../domain/state.ts";
import { tnumStr } from "../log/format.ts";
import { printLine } from "../log/print-state.ts";
import { isNullReg, withMovId } from "../check/regs.ts";
import { checkStackRange } from "../check/stack-bounds.ts";
import { markPrecise } from "../explore/backtrack.ts";
import { pushStackAccess } from "../explore/history.ts";
import { checkFastcallContract } from "../prepare/fastcall.ts";
import { destroyDynptrSlot } from "../check/dynptr.ts";

const SPILLABLE: ReadonlySet<number> = new Set([
  T.PTR_TO_MAP_VALUE,
  T.PTR_TO_STACK,
  T.PTR_TO_CTX,
  T.PTR_TO_PACKET,
  T.PTR_TO_PACKET_META,
  T.PTR_TO_PACKET_END,
  T.PTR_TO_FLOW_KEYS,
  T.CONST_PTR_TO_MAP,
  T.PTR_TO_SOCKET,
  T.PTR_TO_SOCK_COMMON,
  T.PTR_TO_TCP_SOCK,
  T.PTR_TO_XDP_SOCK,
  T.PTR_TO_BTF_ID,
  T.PTR_TO_BUF,
  T.PTR_TO_MEM,
  T.PTR_TO_FUNC,
  T.PTR_TO_MAP_KEY,
  T.PTR_TO_ARENA,
]);
const isSpillable = (type: number): boolean => SPILLABLE.has(T.baseType(type));
/** get_reg_width in bits, enough to compare with access sizes. */
const fitsBits = (env: Env, reg: Reg, bits: number): boolean => bits >= 64 || env.D.ops.umax(reg.s) < 2 ** bits;

/** save_register_state: the register fills the low `size` bytes of the slot. */
function spilled(env: Env, old: Slot, reg: Reg, size: number): Slot {
  let types = old.types;
  for (let i = 0; i < BPF_REG_SIZE; i++) {
    if (i >= BPF_REG_SIZE - size) types = setType(types, i, STACK_SPILL);
    else {
      const kind = old.type(i);
      if (kind !== STACK_ZERO && kind !== STACK_INVALID) types = setType(types, i, STACK_MISC);
    }
  }
  return new Slot(reg, types);
}

/** check_stack_write: `value` is the stored register or -1 (immediate, atomic, helper). */
export function writeStack(env: Env, regno: number, off: number, size: number, value: number, insnIdx: number): void {
  const reg = env.reg(regno);
  const frame = env.frameOf(reg);
  if (env.D.isConst(reg.s)) writeFixed(env, frame, off + env.D.constNumber(reg.s), size, value, insnIdx);
  else writeVariable(env, frame, regno, off, size, value, insnIdx);
}

function writeFixed(env: Env, frame: FuncState, off: number, size: number, value: number, insnIdx: number): void {
  const at = -off - 1;
  const spi = at >> 3;
  const insn = env.insns[insnIdx]!;
  const old = frame.stack[spi]!;
  if (!env.allowPtrLeaks && old.isSpilled && !old.isSpilledScalar && size !== BPF_REG_SIZE)
    env.fail("spill-corrupt", EACCES, "attempt to corrupt spilled pointer on stack");
  const cur = env.frame;
  let reg = value >= 0 ? cur.regs[value]! : null;
  if (!env.bypassSpecV4) noteSpeculativeStore(env, old, reg, { at, size, insnIdx });
  destroyDynptrSlot(env, frame, spi);
  const slot = frame.stack[spi]!;
  const whole = off % BPF_REG_SIZE === 0;
  if (whole && size === BPF_REG_SIZE) env.liveness.markWrite(frame.frameno, spi);
  checkFastcallContract(env, frame, insnIdx, off);
  env.scratchSlot(spi);
  const isStImm = (insn.code & 7) === op.BPF_ST && (insn.code & 0xe0) === op.BPF_MEM;
  if (reg && whole && reg.type === T.SCALAR_VALUE && env.bpfCapable) {
    const fits = fitsBits(env, reg, size * 8);
    if (fits) cur.regs[value] = reg = withMovId(env, reg);
    frame.stack[spi] = spilled(env, slot, fits ? reg : reg.unlinked(), size);
  } else if (!reg && whole && isStImm && env.bpfCapable) {
    frame.stack[spi] = spilled(env, slot, env.scalar(env.D.ops.imm(insn.imm)), size);
  } else if (reg && isSpillable(reg.type)) {
    if (size !== BPF_REG_SIZE) {
      printLine(env, insnIdx, "; ");
      env.fail("spill-size", EACCES, "invalid size of register spill");
    }
    if (frame !== cur && reg.type === T.PTR_TO_STACK)
      env.fail("spill-stack-pointer", EINVAL, "cannot spill pointers to stack into stack frame of the caller");
    frame.stack[spi] = spilled(env, slot, reg, size);
  } else {
    writeBytes(env, frame, spi, at, size, { zero: (reg !== null && isNullReg(env, reg)) || (!reg && isStImm && insn.imm === 0), value });
    return;
  }
  pushStackAccess(env, frame.frameno, spi);
}

function writeBytes(env: Env, frame: FuncState, spi: number, at: number, size: number, what: { zero: boolean; value: number }): void {
  const slot = frame.stack[spi]!;
  let types = slot.isSpecial ? scrub(slot.types) : slot.types;
  if (what.zero && what.value >= 0) markPrecise(env, what.value);
  for (let i = 0; i < size; i++) types = setType(types, (at - i) & 7, what.zero ? STACK_ZERO : STACK_MISC);
  frame.stack[spi] = new Slot(env.notInit, types);
}

/** A store that a later load might be reordered before leaves the old pointer readable: a barrier follows. */
function noteSpeculativeStore(
  env: Env,
  slot: Slot,
  reg: Reg | null,
  { at, size, insnIdx }: { at: number; size: number; insnIdx: number },
): void {
  let needed = reg !== null && isSpillable(reg.type);
  for (let i = 0; i < size && !needed; i++) {
    const kind = slot.type((at - i) & 7);
    needed = kind !== STACK_MISC && kind !== STACK_ZERO;
  }
  if (needed) env.aux[insnIdx]!.nospecResult = true;
}

/** A write at a varying offset. Only loaders that may see pointers get here: others may not move a stack pointer by an unknown amount. */
function writeVariable(env: Env, frame: FuncState, regno: number, off: number, size: number, value: number, insnIdx: number): void {
  const { D } = env;
  const ptr = env.reg(regno);
  const min = D.ops.smin(ptr.s) + off;
  const max = D.ops.smax(ptr.s) + off + size;
  const insn = env.insns[insnIdx]!;
  const isStImm = (insn.code & 7) === op.BPF_ST && (insn.code & 0xe0) === op.BPF_MEM;
  const zero = value >= 0 ? isNullReg(env, env.reg(value)) : isStImm && insn.imm === 0;
  let zeroUsed = false;
  for (let i = min; i < max; i++) destroyDynptrSlot(env, frame, (-i - 1) >> 3);
  checkFastcallContract(env, frame, insnIdx, min);
  for (let i = min; i < max; i++) {
    const at = -i - 1;
    const spi = at >> 3;
    const slot = frame.stack[spi]!;
    const kind = slot.type(at & 7);
    env.scratchSlot(spi);
    if (zero && kind === STACK_SPILL && slot.isSpilledScalar && D.isZero(slot.reg.s)) {
      zeroUsed = true;
      continue;
    }
    let next = STACK_MISC;
    if (zero && kind === STACK_ZERO) {
      next = STACK_ZERO;
      zeroUsed = true;
    }
    const r = slot.reg.type === T.NOT_INIT ? slot.reg : env.notInit;
    // What was spilled is gone as a whole, though only some of its bytes may be written.
    const types = slot.top === STACK_SPILL ? scrub(slot.types) : slot.types;
    frame.stack[spi] = new Slot(r, setType(types, at & 7, next));
  }
  if (zeroUsed && value >= 0) markPrecise(env, value);
}

/** check_stack_read into register `dst`, or -1 for an access whose value nobody gets. */
export function readStack(env: Env, regno: number, off: number, size: number, dst: number): void {
  const { D } = env;
  const reg = env.reg(regno);
  const frame = env.frameOf(reg);
  if (D.isConst(reg.s)) return readFixed(env, frame, off + D.constNumber(reg.s), size, dst);
  if (dst < 0)
    env.fail(
      "stack-variable-offset",
      EACCES,
      `variable offset stack pointer cannot be passed into helper function; var_off=${tnumStr(D.fields(reg.s))} off=${off} size=${size}`,
    );
  checkStackRange(env, regno, off, size, { zeroSizeAllowed: false, write: false, meta: null });
  const min = D.ops.smin(reg.s) + off;
  readBytes(env, frame, min, D.ops.smax(reg.s) + off + size, dst);
  checkFastcallContract(env, frame, env.insnIdx, min);
}

/** mark_reg_stack_read: zero when every byte is, else unknown. */
function readBytes(env: Env, frame: FuncState, min: number, max: number, dst: number): void {
  let zeros = true;
  for (let i = min; i < max && zeros; i++) {
    const at = -i - 1;
    env.scratchSlot(at >> 3);
    zeros = frame.stack[at >> 3]!.type(at & 7) === STACK_ZERO;
  }
  env.regs[dst] = zeros ? env.scalar(env.D.ZERO) : env.unknownScalar();
}

function readFixed(env: Env, frame: FuncState, off: number, size: number, dst: number): void {
  const at = -off - 1;
  const spi = at >> 3;
  const slot = frame.stack[spi]!;
  env.scratchSlot(spi);
  checkFastcallContract(env, env.frame, env.insnIdx, off);
  env.liveness.markRead(frame.frameno, env.insnIdx, spi);
  let record = false;
  if (slot.isSpilled) {
    let spillSize = 1;
    for (let i = BPF_REG_SIZE - 1; i > 0 && slot.type(i - 1) === STACK_SPILL; i--) spillSize++;
    if (size !== BPF_REG_SIZE || spillSize !== BPF_REG_SIZE) {
      if (slot.reg.type !== T.SCALAR_VALUE) {
        printLine(env, env.insnIdx, "; ");
        env.fail("fill-size", EACCES, "invalid size of register fill");
      }
      if (dst < 0) return;
      record = fillPart(env, frame, spi, off, size, spillSize, dst);
    } else {
      record = true;
      if (dst >= 0) {
        const reg = env.bpfCapable ? withMovId(env, slot.reg) : slot.reg;
        if (reg !== slot.reg) frame.stack[spi] = new Slot(reg, slot.types);
        env.regs[dst] = reg;
      } else if (!env.allowPtrLeaks && slot.reg.type !== T.SCALAR_VALUE)
        env.fail("stack-pointer-leak", EACCES, `leaking pointer from stack off ${off}`);
    }
  } else {
    for (let i = 0; i < size; i++) checkByte(env, slot, off, size, i, at);
    if (dst >= 0) readBytes(env, frame, off, off + size, dst);
  }
  if (record) pushStackAccess(env, frame.frameno, spi);
}

function checkByte(env: Env, slot: Slot, off: number, size: number, i: number, at: number): number {
  const kind = slot.type((at - i) & 7);
  const readable = kind === STACK_MISC || kind === STACK_ZERO || (kind === STACK_INVALID && env.allowUninitStack);
  if (!readable) env.fail("stack-uninit", EACCES, `invalid read from stack off ${off}+${i} size ${size}`);
  return kind;
}

/** A fill of part of a spilled scalar. True when the slot decides the register's value, so that precision must follow. */
function fillPart(env: Env, frame: FuncState, spi: number, off: number, size: number, spillSize: number, dst: number): boolean {
  const { D } = env;
  const slot = frame.stack[spi]!;
  // On a little-endian machine the low bytes of the spill lie at its lowest address.
  if (size <= spillSize && off % BPF_REG_SIZE === 0) {
    let reg = slot.reg;
    if (env.bpfCapable && size === 4 && spillSize === 4 && fitsBits(env, reg, 32)) {
      reg = withMovId(env, reg);
      if (reg !== slot.reg) frame.stack[spi] = new Slot(reg, slot.types);
    }
    env.regs[dst] = fitsBits(env, reg, size * 8) ? reg : reg.unlinked();
    return true;
  }
  const at = -off - 1;
  let spills = 0;
  let zeros = 0;
  for (let i = 0; i < size; i++) {
    if (slot.type((at - i) & 7) === STACK_SPILL) spills++;
    else if (checkByte(env, slot, off, size, i, at) === STACK_ZERO) zeros++;
  }
  if (spills === size && D.isZero(slot.reg.s)) {
    env.regs[dst] = env.scalar(D.ZERO);
    return true;
  }
  env.regs[dst] = zeros === size ? env.scalar(D.ZERO) : env.unknownScalar();
  return false;
}

// Stack accesses lie inside the frame, and memory given to helpers is initialized (check_stack_access_within_bounds, check_stack_range_initialized, 6.18).
import { EACCES, EFAULT, EINVAL, type Env } from "../env.ts";
import { SCALAR_VALUE } from "../domain/reg-types.ts";
import { MAX_BPF_STACK, scrub, setType, Slot, STACK_DYNPTR, STACK_INVALID, STACK_MISC, STACK_ZERO } from "../domain/stack.ts";
import { tnumStr } from "../log/format.ts";
import type { CallMeta } from "./helper-args.ts";

const BPF_MAX_VAR_OFF = 1 << 29;

/** Also makes the frame's stack as deep as the access needs. */
export function checkStackBounds(env: Env, regno: number, off: number, size: number, write: boolean): void {
  const { D } = env;
  const reg = env.reg(regno);
  const frame = env.frameOf(reg);
  const what = write ? " write to" : " read from";
  const isConst = D.isConst(reg.s);
  let min: number;
  let max: number;
  if (isConst) {
    min = D.constNumber(reg.s) + off;
    max = min + size;
  } else {
    if (D.ops.smax(reg.s) >= BPF_MAX_VAR_OFF || D.ops.smin(reg.s) <= -BPF_MAX_VAR_OFF)
      env.fail("stack-unbounded", EACCES, `invalid unbounded variable-offset${what} stack R${regno}`);
    min = D.ops.smin(reg.s) + off;
    max = D.ops.smax(reg.s) + off + size;
  }
  const lowest = write || env.allowUninitStack ? -MAX_BPF_STACK : -frame.allocatedStack;
  let errno = min < lowest || min > -1 ? EACCES : 0;
  if (!errno && max > 0) errno = EINVAL;
  if (!errno && size < 0) errno = EFAULT;
  if (errno) {
    if (isConst) env.fail("stack-bounds", errno, `invalid${what} stack R${regno} off=${off} size=${size}`);
    env.fail(
      "stack-bounds",
      errno,
      `invalid variable-offset${what} stack R${regno} var_off=${tnumStr(D.fields(reg.s))} off=${off} size=${size}`,
    );
  }
  env.growStack(frame, -min);
}

/**
 * check_stack_range_initialized: helper memory on the stack. With `meta.rawMode` the helper writes all of it
 * and only the extent is noted in `meta`.
 */
export function checkStackRange(
  env: Env,
  regno: number,
  off: number,
  size: number,
  how: { zeroSizeAllowed: boolean; write: boolean; meta: CallMeta | null },
): void {
  const { D } = env;
  const reg = env.reg(regno);
  const frame = env.frameOf(reg);
  let meta = how.meta;
  if (size === 0 && !how.zeroSizeAllowed) env.fail("zero-size", EACCES, "invalid zero-sized read");
  checkStackBounds(env, regno, off, size, how.write);
  const isConst = D.isConst(reg.s);
  let min: number;
  let max: number;
  if (isConst) min = max = D.constNumber(reg.s) + off;
  else {
    if (meta?.rawMode) meta = null;
    min = D.ops.smin(reg.s) + off;
    max = D.ops.smax(reg.s) + off;
  }
  if (meta?.rawMode) {
    for (let i = min; i < max + size; i++) {
      const at = -i - 1;
      const slot = frame.stack[at >> 3];
      if (slot && slot.type(at & 7) === STACK_DYNPTR)
        env.fail("dynptr-overwrite", EACCES, `potential write to dynptr at off=${i} disallowed`);
    }
    meta.accessSize = size;
    meta.regno = regno;
    return;
  }
  for (let i = min; i < max + size; i++) {
    const at = -i - 1;
    const spi = at >> 3;
    const slot = frame.stack[spi];
    if (!slot) {
      env.fail("stack-bounds", EFAULT, "allocated_stack too small");
      return;
    }
    const kind = slot.type(at & 7);
    if (kind === STACK_ZERO || (kind === STACK_INVALID && env.allowUninitStack)) {
      if (how.write) frame.stack[spi] = new Slot(slot.reg, setType(slot.types, at & 7, STACK_MISC));
    } else if (kind !== STACK_MISC) {
      if (!(slot.isSpilled && (slot.reg.type === SCALAR_VALUE || env.allowPtrLeaks))) uninitialized(env, regno, i - min, min, size);
      if (how.write) frame.stack[spi] = new Slot(env.unknownScalar(), scrub(slot.types));
    }
    env.liveness.markRead(reg.frameno, env.insnIdx, spi);
  }
}

function uninitialized(env: Env, regno: number, at: number, min: number, size: number): never {
  const reg = env.reg(regno);
  if (env.D.isConst(reg.s)) return env.fail("stack-uninit", EACCES, `invalid read from stack R${regno} off ${min}+${at} size ${size}`);
  return env.fail("stack-uninit", EACCES, `invalid read from stack R${regno} var_off ${tnumStr(env.D.fields(reg.s))}+${at} size ${size}`);
}

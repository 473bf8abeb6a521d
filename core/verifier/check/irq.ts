// Saved interrupt flags on the stack: restored once, in order (process_irq_flag, 6.18).
import { EACCES, EINVAL, Reject, type Env } from "../env.ts";
import * as T from "../domain/reg-types.ts";
import { allTypes, Slot, STACK_IRQ_FLAG } from "../domain/stack.ts";
import { REF_TYPE_IRQ } from "../domain/state.ts";
import { accessMem } from "../transfer/mem.ts";
import { addRef, removeRefAt } from "./refs.ts";
import { forgetSlots, markObjectRead, objectSlot } from "./stack-objects.ts";

/** Kinds of functions that saved the flag. */
const NATIVE = 0,
  LOCK = 1;
const SAVE = new Set(["bpf_local_irq_save", "bpf_res_spin_lock_irqsave"]);

export function processIrqFlag(env: Env, regno: number, name: string): void {
  const cls = name.startsWith("bpf_res_spin") ? LOCK : NATIVE;
  const arg = regno - 1;
  const fail = (text: string, errno = EINVAL): never => env.fail("irq-flag", errno, text);
  const reg = env.reg(regno);
  const found = objectSlot(env, reg, "irq_flag", 1);
  if (typeof found === "string" && found !== "range") env.say(`${found}\n`);
  const frame = env.frameOf(reg);
  const slot = typeof found === "number" ? frame.stack[found] : undefined;
  const isFlag = slot?.types === allTypes(STACK_IRQ_FLAG);
  if (SAVE.has(name)) {
    const free = found === "range" || (slot !== undefined && slot.top !== STACK_IRQ_FLAG);
    if (!free) fail(`expected uninitialized irq flag as arg#${arg}`);
    accessMem(env, { insnIdx: env.insnIdx, regno, off: 0, size: 8, write: true, value: -1, strictOnce: false, isLdsx: false });
    return save(env, regno, cls);
  }
  if (!slot || !isFlag || !slot.reg.refObjId) return fail(`expected an initialized irq flag as arg#${arg}`);
  const spi = found as number;
  markObjectRead(env, reg, spi, 1);
  const kind = (c: number): string => (c === NATIVE ? "native" : "lock");
  if (slot.reg.u1 !== cls) fail(`irq flag acquired by ${kind(slot.reg.u1)} kfuncs cannot be restored with ${kind(cls)} kfuncs`);
  restore(env, slot.reg.refObjId);
  env.scratchSlot(spi);
  forgetSlots(env, reg.frameno, spi, 1);
}

function save(env: Env, regno: number, cls: number): void {
  const reg = env.reg(regno);
  const spi = objectSlot(env, reg, "irq_flag", 1);
  if (typeof spi !== "number") throw new Reject(EINVAL, "irq-flag");
  const id = ++env.idGen;
  addRef(env.cur, { type: REF_TYPE_IRQ, id, insnIdx: env.insnIdx, ptr: null });
  env.cur.activeIrqId = id;
  const r = env.pointer(T.PTR_TO_STACK);
  r.refObjId = id;
  r.u1 = cls;
  env.frameOf(reg).stack[spi] = new Slot(r, allTypes(STACK_IRQ_FLAG));
  env.liveness.markWrite(reg.frameno, spi);
  env.scratchSlot(spi);
}

/** release_irq_state: only the flag saved last may be restored. */
function restore(env: Env, id: number): void {
  const st = env.cur;
  if (id !== st.activeIrqId) {
    const at = st.refs.find((r) => r.id === st.activeIrqId)?.insnIdx ?? 0;
    env.fail("irq-order", EACCES, `cannot restore irq state out of order, expected id=${st.activeIrqId} acquired at insn_idx=${at}`);
  }
  const i = st.refs.findIndex((r) => r.type === REF_TYPE_IRQ && r.id === id);
  const before = st.refs
    .slice(0, i)
    .filter((r) => r.type === REF_TYPE_IRQ)
    .pop();
  removeRefAt(st, i);
  st.activeIrqId = before?.id ?? 0;
}

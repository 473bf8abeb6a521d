// Nothing may be held where control leaves: references, locks, RCU, preemption and interrupt sections (check_resource_leak, 6.18).
import { PROG_TYPE as PT } from "../../catalog/index.ts";
import { EINVAL, type Env } from "../env.ts";
import { REF_TYPE_PTR } from "../domain/state.ts";

/** check_reference_leak. */
function checkReferenceLeak(env: Env, exception: boolean): boolean {
  if (!exception && env.frame.frameno) return false;
  let lingering = false;
  for (const ref of env.cur.refs) {
    if (ref.type !== REF_TYPE_PTR) continue;
    // A struct_ops program may hand its reference back as its return value.
    if (env.prog.type === PT.STRUCT_OPS && !exception && env.reg(0).refObjId === ref.id) continue;
    env.say(`Unreleased reference id=${ref.id} alloc_insn=${ref.insnIdx}\n`);
    lingering = true;
  }
  return lingering;
}

/** Rejects when something is still held; `what` names the instruction that leaves. */
export function checkResourceLeak(env: Env, exception: boolean, checkLock: boolean, what: string): void {
  const st = env.cur;
  const held = (section: string): never => env.fail("held-at-exit", EINVAL, `${what} cannot be used inside ${section}-ed region`);
  if (checkLock && st.activeLocks) held("bpf_spin_lock");
  if (checkReferenceLeak(env, exception)) env.fail("reference-leak", EINVAL, `${what} would lead to reference leak`);
  if (checkLock && st.activeIrqId) held("bpf_local_irq_save");
  if (checkLock && st.activeRcuLocks) held("bpf_rcu_read_lock");
  if (checkLock && st.activePreemptLocks) held("bpf_preempt_disable");
}

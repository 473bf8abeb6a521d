// Lists and trees of allocated objects: heads, nodes, ownership (process_kf_arg_ptr_to_graph_*, ref_*_non_owning, 6.18).
import type { Btf } from "../../object/index.ts";
import { EFAULT, EINVAL, type Env } from "../env.ts";
import { idsMatch } from "../btf/struct-match.ts";
import { regRecord } from "../btf/alloc-types.ts";
import { BPF_LIST_HEAD, BPF_LIST_NODE, BPF_RB_NODE, BPF_RB_ROOT, fieldTypeName, findField, type BtfField } from "../btf/record.ts";
import type { Reg } from "../domain/reg.ts";
import * as T from "../domain/reg-types.ts";
import { REF_TYPE_LOCK, REF_TYPE_RES_LOCK, REF_TYPE_RES_LOCK_IRQ } from "../domain/state.ts";
import { isKfuncCall } from "../prepare/callbacks.ts";

const LOCK_MASK = REF_TYPE_LOCK | REF_TYPE_RES_LOCK | REF_TYPE_RES_LOCK_IRQ;
const RBTREE_API = new Set([
  "bpf_rbtree_add_impl",
  "bpf_rbtree_remove",
  "bpf_rbtree_first",
  "bpf_rbtree_root",
  "bpf_rbtree_left",
  "bpf_rbtree_right",
]);

/** in_rbtree_lock_required_cb: inside the comparison of bpf_rbtree_add. */
export function inRbtreeCallback(env: Env): boolean {
  const frame = env.frame;
  if (env.cur.curframe === 0 || !frame.inCallbackFn) return false;
  const insn = env.insns[frame.callsite]!;
  return isKfuncCall(insn) && RBTREE_API.has(env.kfuncs.name(insn.imm) ?? "");
}

/** The head or root field that register `regno` points to; its lock is held. */
export function graphRoot(env: Env, regno: number, type: typeof BPF_LIST_HEAD | typeof BPF_RB_ROOT): BtfField {
  const reg = env.reg(regno);
  const name = fieldTypeName(type);
  const fail = (text: string): never => env.fail("graph-root", EINVAL, text);
  if (!env.D.isConst(reg.s)) fail(`R${regno} doesn't have constant offset. ${name} has to be at the constant offset`);
  const rec = regRecord(env, reg);
  const off = reg.off + env.D.constNumber(reg.s);
  const field = findField(rec, off, type);
  if (!field) return fail(`${name} not found at offset=${off >>> 0}`);
  if (!isLocked(env, reg)) fail(`bpf_spin_lock at off=${rec!.spinLockOff} must be held for ${name}`);
  return field;
}

/** check_reg_allocation_locked. */
function isLocked(env: Env, reg: Reg): boolean {
  if (!env.cur.activeLocks) return false;
  const held = env.cur.refs.some((r) => (r.type & LOCK_MASK) !== 0 && r.id === reg.id && r.ptr === reg.obj);
  if (!held) env.say("held lock and object are not in the same allocation\n");
  return held;
}

/** The node that `regno` points to belongs into the list or tree `root`. */
export function checkGraphNode(env: Env, regno: number, root: BtfField): void {
  const reg = env.reg(regno);
  const nodeType = root.type === BPF_LIST_HEAD ? BPF_LIST_NODE : BPF_RB_NODE;
  const name = fieldTypeName(nodeType);
  const fail = (text: string): never => env.fail("graph-node", EINVAL, text);
  if (!env.D.isConst(reg.s)) fail(`R${regno} doesn't have constant offset. ${name} has to be at the constant offset`);
  const off = reg.off + env.D.constNumber(reg.s);
  if (!findField(regRecord(env, reg), off, nodeType)) fail(`${name} not found at offset=${off >>> 0}`);
  const btf = reg.obj as Btf;
  const wanted = root.btf!.type(root.btfId).name;
  if (!idsMatch(env, btf, reg.u1, 0, { btf: root.btf, id: root.btfId }, true))
    fail(
      `operation on ${fieldTypeName(root.type)} expects arg#1 ${name} at offset=${root.nodeOffset} in struct ${wanted}, but arg is at offset=${off} in struct ${btf.type(reg.u1).name}`,
    );
  if (off !== root.nodeOffset) fail(`arg#1 offset=${off}, but expected ${name} at offset=${root.nodeOffset} in struct ${wanted}`);
}

/** mark_reg_graph_node: a pointer to a node of `root`, at the node's place in its object. */
export function graphNodeReg(env: Env, root: BtfField): Reg {
  const r = env.pointer(T.PTR_TO_BTF_ID | T.MEM_ALLOC);
  r.obj = root.btf;
  r.u1 = root.btfId;
  r.off = root.nodeOffset;
  return r;
}

/** ref_set_non_owning. */
export function nonOwning(env: Env, reg: Reg): Reg {
  if (!env.cur.activeLocks) env.fail("verifier-bug", EFAULT, "verifier bug: ref_set_non_owning w/o active lock");
  const r = reg.copy();
  r.type |= T.NON_OWN_REF;
  if ((regRecord(env, reg)?.refcountOff ?? -1) >= 0) r.type |= T.MEM_RCU;
  return r;
}
/** ref_convert_owning_non_owning: who owned the reference may go on looking while the lock is held. */
export function disown(env: Env, refObjId: number): void {
  env.eachReg(env.cur, (reg) => {
    if (reg.refObjId !== refObjId) return reg;
    const r = nonOwning(env, reg);
    r.refObjId = 0;
    return r;
  });
}

// Arguments of a kfunc by its BTF prototype and the suffixes of its parameters (check_kfunc_args, 6.18).
import { ATTACH_TYPE as AT, PROG_TYPE as PT } from "../../catalog/index.ts";
import { BTF_KIND, type Btf, type BtfType } from "../../object/index.ts";
import { EACCES, EFAULT, EINVAL, Reject, type Env } from "../env.ts";
import { btfKindStr } from "../btf/func-args.ts";
import { isProgCtxType } from "../btf/ctx-type.ts";
import type { Kfunc } from "../btf/kfuncs.ts";
import { regRecord } from "../btf/alloc-types.ts";
import { BPF_LIST_HEAD, BPF_RB_ROOT, BPF_TASK_WORK, BPF_TIMER, BPF_WORKQUEUE, type BtfField } from "../btf/record.ts";
import { idsMatch } from "../btf/struct-match.ts";
import { isStruct, sizeOrNone } from "../btf/struct-walk.ts";
import { isRcuReg, isTrustedReg, REG_STRUCTS } from "../btf/trust.ts";
import type { Reg } from "../domain/reg.ts";
import * as T from "../domain/reg-types.ts";
import { markPrecise } from "../explore/backtrack.ts";
import type { MapInfo } from "../maps/map-info.ts";
import { A } from "./arg-types.ts";
import { dynptrFlag, dynptrState, processDynptr } from "./dynptr.ts";
import { checkGraphNode, graphRoot, inRbtreeCallback } from "./graph.ts";
import { checkArgOff, checkConstString, newMeta, type CallMeta } from "./helper-args.ts";
import { checkKfuncMemSize, checkMemReg } from "./helper-mem.ts";
import { processIrqFlag } from "./irq.ts";
import { processIterArg, type IterPlace } from "./iter.ts";
import { checkMapField, processSpinLock } from "./locks.ts";
import { isNullReg } from "./regs.ts";

/** What one kfunc call is known to do (struct bpf_kfunc_call_arg_meta). */
export interface KfuncMeta {
  readonly kfunc: Kfunc;
  refObjId: number;
  releaseRegno: number;
  subprog: number;
  constant: number | null;
  r0Size: number;
  r0Rdonly: boolean;
  owningRef: boolean;
  argBtf: Btf | null;
  argBtfId: number;
  root: BtfField | null;
  iter: IterPlace | null;
  dynptr: { id: number; type: number; refObjId: number };
  readonly map: CallMeta;
}
export const newKfuncMeta = (kfunc: Kfunc): KfuncMeta => ({
  kfunc,
  refObjId: 0,
  releaseRegno: 0,
  subprog: 0,
  constant: null,
  r0Size: 0,
  r0Rdonly: false,
  owningRef: false,
  argBtf: null,
  argBtfId: 0,
  root: null,
  iter: null,
  dynptr: { id: 0, type: 0, refObjId: 0 },
  map: newMeta(0, false),
});

type Kind =
  | "ctx"
  | "alloc"
  | "refcounted"
  | "dynptr"
  | "iter"
  | "list-head"
  | "list-node"
  | "btf"
  | "mem"
  | "mem-size"
  | "callback"
  | "rb-root"
  | "rb-node"
  | "null"
  | "string"
  | "map"
  | "timer"
  | "wq"
  | "irq"
  | "res-lock"
  | "task-work";

const STRUCT_KINDS: Readonly<Record<string, Kind>> = {
  bpf_dynptr: "dynptr",
  bpf_dynptr_kern: "dynptr",
  bpf_list_head: "list-head",
  bpf_list_node: "list-node",
  bpf_rb_root: "rb-root",
  bpf_rb_node: "rb-node",
  bpf_wq: "wq",
  bpf_timer: "timer",
  bpf_task_work: "task-work",
  bpf_res_spin_lock: "res-lock",
};
const SUFFIX_KINDS: readonly (readonly [string, Kind])[] = [
  ["__alloc", "alloc"],
  ["__refcounted_kptr", "refcounted"],
  ["__str", "string"],
  ["__map", "map"],
  ["__irq_flag", "irq"],
];
const isScalarType = (t: BtfType): boolean => t.kind === BTF_KIND.INT || t.kind === BTF_KIND.ENUM || t.kind === BTF_KIND.ENUM64;

/** __btf_type_is_scalar_struct. */
export function isScalarStruct(env: Env, btf: Btf, t: BtfType, depth = 0): boolean {
  if (!isStruct(t)) return false;
  return t.members.every((m) => {
    let mt = btf.type(btf.resolve(m.type));
    if (isStruct(mt)) {
      if (depth >= 3) {
        env.say("max struct nesting depth exceeded\n");
        return false;
      }
      return isScalarStruct(env, btf, mt, depth + 1);
    }
    if (mt.kind === BTF_KIND.ARRAY) {
      if (!mt.nelems) return false;
      mt = btf.type(btf.resolve(mt.type));
    }
    return isScalarType(mt);
  });
}

const MAP_POINTERS: ReadonlySet<number> = new Set([T.CONST_PTR_TO_MAP, T.PTR_TO_MAP_VALUE, T.PTR_TO_MAP_KEY]);

class Args {
  readonly env: Env;
  readonly meta: KfuncMeta;
  readonly btf: Btf;
  readonly flags: ReadonlySet<string>;
  constructor(env: Env, meta: KfuncMeta) {
    this.env = env;
    this.meta = meta;
    this.btf = env.kernelBtf!;
    this.flags = meta.kfunc.flags;
  }
  name(i: number): string {
    return this.meta.kfunc.proto.params[i]?.name ?? "";
  }
  has(i: number, suffix: string): boolean {
    return this.name(i).endsWith(suffix);
  }
  fail(text: string, errno = EINVAL): never {
    return this.env.fail("kfunc-arg", errno, text);
  }
  get releases(): boolean {
    return this.flags.has("RELEASE");
  }
  isSize(i: number): boolean {
    return this.isConstSize(i) || (this.has(i, "__sz") && this.env.reg(i + 1).type === T.SCALAR_VALUE);
  }
  isConstSize(i: number): boolean {
    return this.has(i, "__szk") && this.env.reg(i + 1).type === T.SCALAR_VALUE;
  }

  /** A constant that the result depends on. */
  constant(regno: number, words: string): number {
    const reg = this.env.reg(regno);
    if (!this.env.D.isConst(reg.s)) this.fail(words);
    markPrecise(this.env, regno);
    return this.env.D.constNumber(reg.s);
  }

  scalar(i: number): void {
    const { env, meta } = this;
    const regno = i + 1;
    if (env.reg(regno).type !== T.SCALAR_VALUE) this.fail(`R${regno} is not a scalar`);
    if (this.has(i, "__k")) {
      meta.constant = this.constant(regno, `R${regno} must be a known constant`);
      return;
    }
    const rdonly = this.name(i) === "rdonly_buf_size";
    if (!rdonly && this.name(i) !== "rdwr_buf_size") return;
    meta.r0Rdonly ||= rdonly;
    if (meta.r0Size) this.fail("2 or more rdonly/rdwr_buf_size parameters for kfunc");
    meta.r0Size = this.constant(regno, `R${regno} is not a const`);
  }

  /** get_kfunc_ptr_arg_type. */
  kind(i: number, ptr: BtfType, target: BtfType): Kind {
    const { env } = this;
    const reg = env.reg(i + 1);
    const nargs = this.meta.kfunc.proto.params.length;
    if (this.meta.kfunc.name === "bpf_cast_to_kern_ctx") return "ctx";
    const sized = i + 1 < nargs && this.isSize(i + 1);
    if (isProgCtxType(env, this.btf, ptr)) return "ctx";
    if (this.has(i, "__nullable") && isNullReg(env, reg) && !sized) return "null";
    for (const [suffix, kind] of SUFFIX_KINDS.slice(0, 2)) if (this.has(i, suffix)) return kind;
    if (target.name === "bpf_dynptr" || target.name === "bpf_dynptr_kern") return "dynptr";
    const iterates = this.flags.has("ITER_NEW") || this.flags.has("ITER_NEXT") || this.flags.has("ITER_DESTROY");
    if (iterates ? i === 0 : this.has(i, "__iter")) return "iter";
    const byStruct = target.kind === BTF_KIND.STRUCT ? STRUCT_KINDS[target.name] : undefined;
    if (byStruct) return byStruct;
    for (const [suffix, kind] of SUFFIX_KINDS) if (this.has(i, suffix)) return kind;
    if (T.baseType(reg.type) === T.PTR_TO_BTF_ID || REG_STRUCTS[T.baseType(reg.type)]) {
      if (!isStruct(target))
        this.fail(
          `kernel function ${this.meta.kfunc.name} args#${i} pointer type ${btfKindStr(target.kind)} ${target.id ? target.name : ""} is not supported`,
        );
      return "btf";
    }
    if (target.kind === BTF_KIND.FUNC_PROTO) return "callback";
    const plain = isScalarType(target) || isScalarStruct(env, this.btf, target) || (sized && target.id === 0);
    if (!plain)
      this.fail(
        `arg#${i} pointer type ${btfKindStr(target.kind)} ${target.id ? target.name : ""} must point to ${sized ? "void, " : ""}scalar, or struct with scalar`,
      );
    return sized ? "mem-size" : "mem";
  }

  /** One pointer argument. Returns how many further arguments it used up. */
  pointer(i: number, ptr: BtfType): number {
    const { env, meta } = this;
    const regno = i + 1;
    const reg = env.reg(regno);
    const strict = this.flags.has("TRUSTED_ARGS") || this.releases || this.flags.has("RCU");
    if (strict && (isNullReg(env, reg) || T.mayBeNull(reg.type)) && !this.has(i, "__nullable"))
      this.fail(`Possibly NULL pointer passed to trusted arg${i}`, EACCES);
    if (reg.refObjId) {
      meta.refObjId = reg.refObjId;
      if (this.releases) meta.releaseRegno = regno;
    }
    const target = this.btf.type(this.btf.resolve(ptr.type));
    const kind = this.kind(i, ptr, target);
    if (kind === "null") return 0;
    if (kind === "map") this.mapArg(regno, strict);
    if ((kind === "map" || kind === "alloc" || kind === "btf") && strict && !isTrustedReg(reg)) {
      if (!this.flags.has("RCU")) this.fail(`R${regno} must be referenced or trusted`);
      if (!isRcuReg(reg)) this.fail(`R${regno} must be a rcu pointer`);
    }
    checkArgOff(env, reg, regno, this.releases && reg.refObjId ? T.OBJ_RELEASE : A.ARG_DONTCARE);
    return this.byKind(kind, i, target);
  }

  byKind(kind: Kind, i: number, target: BtfType): number {
    const { env, meta } = this;
    const regno = i + 1;
    const reg = env.reg(regno);
    switch (kind) {
      case "ctx":
        if (reg.type !== T.PTR_TO_CTX) this.fail(`arg#${i} expected pointer to ctx, but got ${T.regTypeStr(reg.type)}`);
        break;
      case "alloc":
        this.allocated(i, reg);
        break;
      case "dynptr":
        this.dynptr(i, reg);
        break;
      case "iter":
        if (meta.kfunc.name === "bpf_iter_css_task_new" && !cssTaskAllowed(env))
          this.fail("css_task_iter is only allowed in bpf_lsm, bpf_iter and sleepable progs");
        meta.iter = processIterArg(env, regno, meta.kfunc);
        if (meta.iter) meta.refObjId = meta.iter.refObjId;
        break;
      case "list-head":
      case "rb-root":
        if (reg.type !== T.PTR_TO_MAP_VALUE && reg.type !== (T.PTR_TO_BTF_ID | T.MEM_ALLOC))
          this.fail(`arg#${i} expected pointer to map value or allocated object`);
        if (reg.type === (T.PTR_TO_BTF_ID | T.MEM_ALLOC) && !reg.refObjId) this.fail("allocated object must be referenced");
        meta.root = graphRoot(env, regno, kind === "list-head" ? BPF_LIST_HEAD : BPF_RB_ROOT);
        break;
      case "list-node":
      case "rb-node":
        this.node(i, reg, kind);
        break;
      case "map":
        this.btfPointer(i, reg, this.btf.type(this.btf.find("bpf_map", BTF_KIND.STRUCT)));
        break;
      case "btf":
        this.btfPointer(i, reg, target);
        break;
      case "mem": {
        const size = sizeOrNone(this.btf, target.id);
        if (size === undefined)
          this.fail(`arg#${i} reference type('${btfKindStr(target.kind)} ${target.id ? target.name : ""}') size cannot be determined: -22`);
        checkMemReg(env, regno, size!);
        break;
      }
      case "mem-size":
        this.sizedMemory(i, reg);
        return 1;
      case "callback":
        if (reg.type !== T.PTR_TO_FUNC) this.fail(`arg${i} expected pointer to func`);
        meta.subprog = reg.u1;
        break;
      case "refcounted":
        this.refcounted(i, reg);
        break;
      case "string":
        if (reg.type !== T.PTR_TO_MAP_VALUE) this.fail(`arg#${i} doesn't point to a const string`);
        checkConstString(env, regno);
        break;
      case "wq":
      case "timer":
      case "task-work":
        if (reg.type !== T.PTR_TO_MAP_VALUE) this.fail(`arg#${i} doesn't point to a map value`);
        checkMapField(env, regno, kind === "wq" ? BPF_WORKQUEUE : kind === "timer" ? BPF_TIMER : BPF_TASK_WORK, meta.map);
        break;
      case "irq":
        if (reg.type !== T.PTR_TO_STACK) this.fail(`arg#${i} doesn't point to an irq flag on stack`);
        processIrqFlag(env, regno, meta.kfunc.name);
        break;
      case "res-lock": {
        if (reg.type !== T.PTR_TO_MAP_VALUE && reg.type !== (T.PTR_TO_BTF_ID | T.MEM_ALLOC))
          this.fail(`arg#${i} doesn't point to map value or allocated object`);
        const { name } = meta.kfunc;
        processSpinLock(env, regno, { lock: name.startsWith("bpf_res_spin_lock"), resilient: true, irq: name.includes("irq") });
        break;
      }
    }
    return 0;
  }

  mapArg(regno: number, strict: boolean): void {
    const { env, meta } = this;
    const reg = env.reg(regno);
    if (T.baseType(reg.type) === T.PTR_TO_BTF_ID) return; // A struct bpf_map of the kernel's, for example an iterator's: its type is checked next.
    if (!MAP_POINTERS.has(T.baseType(reg.type))) {
      // The kernel asks whether the place is zero in which other kinds of pointers keep a size, a range or a function.
      if (strict && (reg.u1 || reg.u2)) return;
      this.fail(`pointer in R${regno} isn't map pointer`);
    }
    const map = reg.obj as MapInfo;
    const rec = map.record;
    if (meta.map.map && rec && (rec.wqOff >= 0 || rec.taskWorkOff >= 0) && (meta.map.map !== map || meta.map.mapUid !== reg.u1)) {
      const what = rec.taskWorkOff >= 0 ? ["bpf_task_work", "R2", "R3"] : ["workqueue", "R1", "R2"];
      this.fail(`${what[0]} pointer in ${what[1]} map_uid=${meta.map.mapUid} doesn't match map pointer in ${what[2]} map_uid=${reg.u1}`);
    }
    meta.map.map = map;
    meta.map.mapUid = reg.u1;
  }

  allocated(i: number, reg: Reg): void {
    const { name } = this.meta.kfunc;
    if (reg.type === (T.PTR_TO_BTF_ID | T.MEM_ALLOC)) {
      if (name !== "bpf_obj_drop_impl") this.fail(`arg#${i} expected for bpf_obj_drop_impl()`);
    } else if (reg.type === (T.PTR_TO_BTF_ID | T.MEM_ALLOC | T.MEM_PERCPU)) {
      if (name !== "bpf_percpu_obj_drop_impl") this.fail(`arg#${i} expected for bpf_percpu_obj_drop_impl()`);
    } else this.fail(`arg#${i} expected pointer to allocated object`);
    if (!reg.refObjId) this.fail("allocated object must be referenced");
    this.meta.argBtf = reg.obj as Btf;
    this.meta.argBtfId = reg.u1;
  }

  dynptr(i: number, reg: Reg): void {
    const { env, meta } = this;
    let type: number = A.ARG_PTR_TO_DYNPTR;
    let clone = 0;
    if (reg.type === T.CONST_PTR_TO_DYNPTR) type |= T.MEM_RDONLY;
    const uninit = this.has(i, "__uninit");
    if (uninit) type |= T.MEM_UNINIT;
    switch (meta.kfunc.name) {
      case "bpf_dynptr_from_skb":
        type |= T.DYNPTR_TYPE_SKB;
        break;
      case "bpf_dynptr_from_xdp":
        type |= T.DYNPTR_TYPE_XDP;
        break;
      case "bpf_dynptr_from_skb_meta":
        type |= T.DYNPTR_TYPE_SKB_META;
        break;
      case "bpf_dynptr_clone":
        if (!uninit) break;
        type |= dynptrFlag(meta.dynptr.type);
        clone = meta.dynptr.refObjId;
    }
    processDynptr(env, i + 1, env.insnIdx, type, clone);
    if (uninit) return;
    const state = dynptrState(env, env.reg(i + 1));
    meta.dynptr = { id: state.id, type: state.u1, refObjId: state.refObjId };
  }

  node(i: number, reg: Reg, kind: "list-node" | "rb-node"): void {
    const { env, meta } = this;
    const { name } = meta.kfunc;
    if (kind === "list-node" || name === "bpf_rbtree_add_impl") {
      if (reg.type !== (T.PTR_TO_BTF_ID | T.MEM_ALLOC)) this.fail(`arg#${i} expected pointer to allocated object`);
      if (!reg.refObjId) this.fail("allocated object must be referenced");
    } else {
      if (!T.isNonOwningRef(reg.type) && !reg.refObjId) this.fail(`${name} can only take non-owning or refcounted bpf_rb_node pointer`);
      if (inRbtreeCallback(env)) this.fail(`${name} not allowed in rbtree cb`);
    }
    checkGraphNode(env, i + 1, meta.root!);
    meta.argBtf = reg.obj as Btf;
    meta.argBtfId = reg.u1;
  }

  refcounted(i: number, reg: Reg): void {
    if (!T.isPtrAllocObj(reg.type)) this.fail(`arg#${i} is neither owning or non-owning ref`);
    if (!T.isNonOwningRef(reg.type)) this.meta.owningRef = true;
    const rec = regRecord(this.env, reg);
    if (!rec) this.fail("verifier bug: Couldn't find btf_record", EFAULT);
    if (rec!.refcountOff < 0) this.fail(`arg#${i} doesn't point to a type with bpf_refcount field`);
    this.meta.argBtf = reg.obj as Btf;
    this.meta.argBtfId = reg.u1;
  }

  sizedMemory(i: number, reg: Reg): void {
    const { env, meta } = this;
    const optional = this.has(i, "__opt") || this.has(i, "__nullable");
    if (!isNullReg(env, reg) || !optional) {
      try {
        checkKfuncMemSize(env, i + 2);
      } catch (e) {
        if (!(e instanceof Reject)) throw e;
        env.say(`arg#${i} arg#${i + 1} memory, len pair leads to invalid memory access\n`);
        throw e;
      }
    }
    if (!this.isConstSize(i + 1)) return;
    const size = env.reg(i + 2);
    if (!env.D.isConst(size.s)) this.fail(`R${i + 2} must be a known constant`);
    meta.constant = env.D.constNumber(size.s);
  }

  /** process_kf_arg_ptr_to_btf_id. */
  btfPointer(i: number, reg: Reg, target: BtfType): void {
    const { env, meta } = this;
    const base = T.baseType(reg.type);
    const unsafe = (T.typeFlag(reg.type) & ~(T.MEM_ALLOC | T.PTR_TRUSTED | T.NON_OWN_REF)) !== 0;
    if ((base !== T.PTR_TO_BTF_ID || (unsafe && !isRcuReg(reg))) && !REG_STRUCTS[base]) {
      env.say(`arg#${i} is ${T.regTypeStr(reg.type)} `);
      this.fail(`expected ${T.regTypeStr(base | (T.typeFlag(reg.type) & (T.MEM_ALLOC | T.PTR_TRUSTED | T.NON_OWN_REF)))} or socket`);
    }
    const btf = base === T.PTR_TO_BTF_ID ? (reg.obj as Btf) : this.btf;
    const id = btf.resolve(base === T.PTR_TO_BTF_ID ? reg.u1 : this.btf.find(REG_STRUCTS[base]!, BTF_KIND.STRUCT));
    const own = btf.type(id);
    const strict = (this.releases && reg.refObjId !== 0) || own.name === `${target.name}___init` || target.name === `${own.name}___init`;
    const same = idsMatch(env, btf, id, reg.off, { btf: this.btf, id: target.id }, strict);
    const projection = (target.name === "__sk_buff" && own.name === "sk_buff") || (target.name === "xdp_md" && own.name === "xdp_buff");
    if (same || projection) return;
    this.fail(
      `kernel function ${meta.kfunc.name} args#${i} expected pointer to ${btfKindStr(target.kind)} ${target.name} but R${i + 1} has a pointer to ${btfKindStr(own.kind)} ${own.name}`,
    );
  }
}

function cssTaskAllowed(env: Env): boolean {
  const { type, expectedAttachType } = env.prog;
  return type === PT.LSM || (type === PT.TRACING && expectedAttachType === AT.TRACE_ITER) || env.inSleepable();
}

export function checkKfuncArgs(env: Env, meta: KfuncMeta): void {
  const args = new Args(env, meta);
  const { params } = meta.kfunc.proto;
  const { name } = meta.kfunc;
  if (params.length > 5) args.fail(`Function ${name} has ${params.length} > 5 args`);
  for (let i = 0; i < params.length; i++) {
    if (args.has(i, "__ign") || args.has(i, "__prog")) continue;
    const t = args.btf.type(args.btf.resolve(params[i]!.type));
    if (isScalarType(t)) args.scalar(i);
    else if (t.kind !== BTF_KIND.PTR) args.fail(`Unrecognized arg#${i} type ${btfKindStr(t.kind)}`);
    else i += args.pointer(i, t);
  }
  if (args.releases && !meta.releaseRegno) args.fail(`release kernel function ${name} expects refcounted PTR_TO_BTF_ID`);
}

// What a typed program attaches to: the function or hook, its prototype, what its return value may be (check_attach_btf_id, 6.18).
import { ATTACH_TYPE as AT, PROG_TYPE as PT } from "../../catalog/index.ts";
import { BTF_KIND, type Btf, type BtfType } from "../../object/index.ts";
import { EINVAL, Unsupported, type Env } from "../env.ts";
import type { Range } from "../domain/state.ts";
import { checkAttachTarget } from "./attach-target.ts";
import { RAW_TP_NULL_ARGS } from "./raw-tp-null.ts";
import { structOpsAttach, type StructOps } from "./struct-ops.ts";
import { ITER_CTX_ARGS } from "./iter-targets.ts";

/** A context argument that is more than its C type says. */
export interface CtxArg {
  readonly off: number;
  readonly type: number;
  readonly btf: Btf | null;
  readonly btfId: number;
  refObjId: number;
  /** The hook hands over a reference with it (struct_ops). */
  readonly refcounted?: boolean;
}
export interface AttachInfo {
  readonly btf: Btf | null;
  readonly proto: BtfType | null;
  readonly name: string;
  /** btf_trace_*: the first parameter is the tracepoint's own. */
  readonly skipFirst: boolean;
  readonly returnsVoid: boolean;
  /** Struct type id when the hook returns a pointer (struct_ops). */
  readonly returnsPointer: number;
  readonly retvalRange: Range | undefined;
  readonly ctxArgs: readonly CtxArg[];
  readonly lsmTrusted: boolean;
  /** The structure that a struct_ops program implements a member of. */
  readonly structOps?: StructOps;
  rawTpNull(arg: number): "null" | "err" | "";
}
const NONE: AttachInfo = {
  btf: null,
  proto: null,
  name: "",
  skipFirst: false,
  returnsVoid: false,
  returnsPointer: 0,
  retvalRange: undefined,
  ctxArgs: [],
  lsmTrusted: false,
  rawTpNull: () => "",
};

const TYPED: ReadonlySet<number> = new Set([PT.TRACING, PT.LSM, PT.EXT, PT.STRUCT_OPS]);
const SLEEPABLE_TRACING: ReadonlySet<number> = new Set([AT.TRACE_FENTRY, AT.TRACE_FEXIT, AT.MODIFY_RETURN, AT.TRACE_ITER]);

/** can_be_sleepable. */
function canSleep(type: number, attach: number): boolean {
  if (type === PT.TRACING) return SLEEPABLE_TRACING.has(attach);
  if (type === PT.LSM) return attach !== AT.LSM_CGROUP;
  return type === PT.KPROBE || type === PT.STRUCT_OPS || type === PT.SYSCALL;
}

export function resolveAttach(env: Env): AttachInfo {
  const { type, expectedAttachType: at, attachBtfId } = env.prog;
  if (type === PT.SYSCALL) {
    if (!env.sleepable) env.fail("syscall-sleepable", EINVAL, "Syscall programs can only be sleepable");
    return NONE;
  }
  if (env.sleepable && !canSleep(type, at))
    env.fail("sleepable-type", EINVAL, "Only fentry/fexit/fmod_ret, lsm, iter, uprobe, and struct_ops programs can be sleepable");
  if (!TYPED.has(type)) return NONE;
  if (type === PT.STRUCT_OPS) return structOpsAttach(env, NONE);
  if (type === PT.EXT) throw new Unsupported("freplace");
  if (!attachBtfId) env.fail("attach-btf-id", EINVAL, "Tracing programs must provide btf_id");
  const btf = env.kernelBtf;
  if (!btf) throw new Unsupported("kernel-btf");
  if (attachBtfId >= btf.typeCount) env.fail("attach-btf-id", EINVAL, `attach_btf_id ${attachBtfId} is invalid`);
  const t = btf.type(attachBtfId);
  if (!t.name) env.fail("attach-btf-id", EINVAL, `attach_btf_id ${attachBtfId} doesn't have a name`);
  return at === AT.TRACE_RAW_TP ? rawTp(env, btf, t) : func(env, btf, t);
}

function rawTp(env: Env, btf: Btf, t: BtfType): AttachInfo {
  const prefix = "btf_trace_";
  if (t.kind !== BTF_KIND.TYPEDEF) env.fail("attach-btf-id", EINVAL, `attach_btf_id ${t.id} is not a typedef`);
  if (!t.name.startsWith(prefix)) env.fail("attach-btf-id", EINVAL, `attach_btf_id ${t.id} points to wrong type name ${t.name}`);
  const name = t.name.slice(prefix.length);
  const ptr = btf.type(t.type);
  const proto = btf.type(ptr.type);
  const mask = RAW_TP_NULL_ARGS[name];
  return {
    ...NONE,
    btf,
    proto,
    name,
    skipFirst: true,
    returnsVoid: true,
    rawTpNull: (arg) => {
      if (mask === undefined) return "";
      const nibble = Number((mask >> BigInt(arg * 4)) & 0xfn);
      return nibble & 2 ? "err" : nibble & 1 ? "null" : "";
    },
  };
}

function func(env: Env, btf: Btf, t: BtfType): AttachInfo {
  const { type, expectedAttachType: at } = env.prog;
  if (t.kind !== BTF_KIND.FUNC) env.fail("attach-btf-id", EINVAL, `attach_btf_id ${t.id} is not a function`);
  const proto = btf.type(t.type);
  const returnsVoid = proto.type === 0;
  if (type === PT.TRACING && at === AT.TRACE_ITER) {
    const target = ITER_CTX_ARGS[t.name.replace(/^bpf_iter_/, "")];
    if (!target) throw new Unsupported(`iter ${t.name}`);
    const ctxArgs = target.map((x) => ({
      off: x.off,
      type: x.type,
      btf,
      btfId: x.struct ? btf.find(x.struct, BTF_KIND.STRUCT) : 0,
      refObjId: 0,
    }));
    return { ...NONE, btf, proto, name: t.name, returnsVoid, ctxArgs };
  }
  checkAttachTarget(env, btf, t);
  const retvalRange = type === PT.LSM ? (returnsVoid ? undefined : lsmRange(t.name)) : undefined;
  return { ...NONE, btf, proto, name: t.name, returnsVoid, retvalRange, lsmTrusted: type === PT.LSM };
}

const LSM_BOOL = new Set(["bpf_lsm_audit_rule_known", "bpf_lsm_inode_xattr_skipcap"]);
const MAX_ERRNO = 4095;
/** bpf_lsm_get_retval_range. */
const lsmRange = (name: string): Range => (LSM_BOOL.has(name) ? { min: 0, max: 1 } : { min: -MAX_ERRNO, max: 0 });

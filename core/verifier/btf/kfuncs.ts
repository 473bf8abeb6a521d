// The kfuncs that a program calls: names, prototypes by BTF, flags by the catalog. It checks no arguments.
import { KFUNCS, kfuncByName } from "../../catalog/index.ts";
import { BTF_KIND, type BtfType } from "../../object/index.ts";
import type { Insn } from "../../isa/index.ts";
import { EINVAL, Unsupported, type Env, type Subprog } from "../env.ts";
import type { CallSummary } from "../prepare/fastcall.ts";

export interface Kfunc {
  readonly name: string;
  readonly id: number;
  readonly proto: BtfType;
  readonly flags: ReadonlySet<string>;
}
const NO_FLAGS: ReadonlySet<string> = new Set();
const PKT_CHANGING = new Set(["bpf_xdp_pull_data"]);
const UNDER_LOCK = new Set([
  "bpf_list_push_front_impl",
  "bpf_list_push_back_impl",
  "bpf_list_pop_front",
  "bpf_list_pop_back",
  "bpf_list_front",
  "bpf_list_back",
  "bpf_rbtree_remove",
  "bpf_rbtree_add_impl",
  "bpf_rbtree_first",
  "bpf_rbtree_root",
  "bpf_rbtree_left",
  "bpf_rbtree_right",
  "bpf_iter_num_new",
  "bpf_iter_num_next",
  "bpf_iter_num_destroy",
  "bpf_refcount_acquire_impl",
  "bpf_res_spin_lock",
  "bpf_res_spin_unlock",
  "bpf_res_spin_lock_irqsave",
  "bpf_res_spin_unlock_irqrestore",
  "bpf_arena_alloc_pages",
  "bpf_arena_free_pages",
  "bpf_arena_reserve_pages",
  "bpf_stream_vprintk",
  "bpf_stream_vprintk_impl",
]);

const XDP_METADATA: ReadonlySet<string> = new Set([
  "bpf_xdp_metadata_rx_timestamp",
  "bpf_xdp_metadata_rx_hash",
  "bpf_xdp_metadata_rx_vlan_tag",
]);

export class KfuncTable {
  readonly #env: Env;
  readonly #byId = new Map<number, Kfunc | null>();
  constructor(env: Env) {
    this.#env = env;
  }

  /** The kfunc with this BTF id in the kernel's types, or null. */
  get(id: number): Kfunc | null {
    let k = this.#byId.get(id);
    if (k === undefined) this.#byId.set(id, (k = this.#load(id)));
    return k;
  }
  #load(id: number): Kfunc | null {
    const btf = this.#env.kernelBtf;
    if (!btf || id <= 0 || id >= btf.typeCount || btf.kind(id) !== BTF_KIND.FUNC) return null;
    const fn = btf.type(id);
    return { name: fn.name, id, proto: btf.type(fn.type), flags: kfuncByName(fn.name)?.flags ?? NO_FLAGS };
  }
  name(id: number): string | undefined {
    return this.#env.kernelBtf ? this.get(id)?.name : KFUNCS.find((k) => k.btfId === id)?.name;
  }

  /** add_kfunc_call: the call names a function of the kernel. */
  add(env: Env, insn: Insn): void {
    if (!env.kernelBtf) throw new Unsupported("kernel-btf");
    if (!env.gplCompatible) env.fail("kfunc-gpl", EINVAL, "cannot call kernel function from non-GPL compatible program");
    if (insn.imm === 0 && insn.off === 0) return;
    if (insn.off) throw new Unsupported("module-kfunc");
    const id = insn.imm;
    const btf = env.kernelBtf;
    if (id <= 0 || id >= btf.typeCount || btf.kind(id) !== BTF_KIND.FUNC)
      env.fail("kfunc-id", EINVAL, `kernel btf_id ${id >>> 0} is not a function`);
    if (XDP_METADATA.has(btf.type(id).name)) env.fail("kfunc-dev-bound", EINVAL, "metadata kfuncs require device-bound program");
  }
  isFlag(insn: Insn, flag: string): boolean {
    return insn.off === 0 && (this.get(insn.imm)?.flags.has(flag) ?? false);
  }
  allowedUnderLock(id: number): boolean {
    return UNDER_LOCK.has(this.get(id)?.name ?? "");
  }
  /** What check_cfg notes of a kfunc call. */
  noteInCfg(env: Env, at: number, insn: Insn, sub: Subprog): void {
    const k = this.get(insn.imm);
    if (!k) return;
    if (k.flags.has("ITER_NEXT")) {
      env.aux[at]!.prunePoint = true;
      env.aux[at]!.forceCheckpoint = true;
    }
    if (k.flags.has("SLEEPABLE")) sub.mightSleep = true;
    if (PKT_CHANGING.has(k.name)) sub.changesPktData = true;
  }
  summary(env: Env, insn: Insn): CallSummary | undefined {
    const k = this.get(insn.imm);
    if (!k) return undefined;
    return { params: k.proto.params.length, isVoid: k.proto.type === 0, fastcall: k.flags.has("FASTCALL") };
  }
}

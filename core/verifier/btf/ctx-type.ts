// The C type of a program type's context, by which an argument is recognised as the context (btf_is_prog_ctx_type, 6.18).
import { PROG_TYPE as PT } from "../../catalog/index.ts";
import { BTF_KIND, type Btf, type BtfType } from "../../object/index.ts";
import type { Env } from "../env.ts";

const CTX_STRUCT: Readonly<Record<number, string>> = {
  [PT.SOCKET_FILTER]: "__sk_buff", [PT.SCHED_CLS]: "__sk_buff", [PT.SCHED_ACT]: "__sk_buff", [PT.XDP]: "xdp_md", [PT.CGROUP_SKB]: "__sk_buff",
  [PT.CGROUP_SOCK]: "bpf_sock", [PT.CGROUP_SOCK_ADDR]: "bpf_sock_addr", [PT.LWT_IN]: "__sk_buff", [PT.LWT_OUT]: "__sk_buff", [PT.LWT_XMIT]: "__sk_buff",
  [PT.LWT_SEG6LOCAL]: "__sk_buff", [PT.SOCK_OPS]: "bpf_sock_ops", [PT.SK_SKB]: "__sk_buff", [PT.SK_MSG]: "sk_msg_md", [PT.FLOW_DISSECTOR]: "__sk_buff",
  [PT.PERF_EVENT]: "bpf_perf_event_data", [PT.RAW_TRACEPOINT]: "bpf_raw_tracepoint_args", [PT.RAW_TRACEPOINT_WRITABLE]: "bpf_raw_tracepoint_args",
  [PT.CGROUP_DEVICE]: "bpf_cgroup_dev_ctx", [PT.CGROUP_SYSCTL]: "bpf_sysctl", [PT.CGROUP_SOCKOPT]: "bpf_sockopt", [PT.SK_REUSEPORT]: "sk_reuseport_md",
  [PT.SK_LOOKUP]: "bpf_sk_lookup", [PT.NETFILTER]: "bpf_nf_ctx",
};

/** `ptr` is a pointer type; true when it points to the context structure of the program being verified. */
export function isProgCtxType(env: Env, btf: Btf, ptr: BtfType): boolean {
  let t = btf.type(ptr.type);
  // kprobe: the typedef bpf_user_pt_regs_t counts, and struct pt_regs on the machine.
  while (t.kind === BTF_KIND.CONST || t.kind === BTF_KIND.VOLATILE || t.kind === BTF_KIND.RESTRICT || t.kind === BTF_KIND.TYPE_TAG || t.kind === BTF_KIND.TYPEDEF) {
    if (t.kind === BTF_KIND.TYPEDEF && t.name === "bpf_user_pt_regs_t" && (env.prog.type === PT.KPROBE || env.prog.type === PT.PERF_EVENT)) return true;
    t = btf.type(t.type);
  }
  if (t.kind !== BTF_KIND.STRUCT || !t.name) return false;
  if (env.prog.type === PT.KPROBE || env.prog.type === PT.PERF_EVENT) {
    if (t.name === "pt_regs" || t.name === "user_pt_regs" || t.name === "user_regs_struct") return true;
  }
  // Old programs use __sk_buff for any type.
  return t.name === CTX_STRUCT[env.prog.type] || (t.name === "__sk_buff" && CTX_STRUCT[env.prog.type] !== undefined);
}

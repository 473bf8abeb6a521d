// The C type of a program type's context, by which an argument is recognised as the context (btf_is_prog_ctx_type, 6.18).
import { PROG_TYPE as PT } from "../../catalog/index.ts";
import { BTF_KIND, type Btf, type BtfType } from "../../object/index.ts";
import { Unsupported, type Env } from "../env.ts";

const CTX_STRUCT: Readonly<Record<number, string>> = {
  [PT.SOCKET_FILTER]: "__sk_buff",
  [PT.SCHED_CLS]: "__sk_buff",
  [PT.SCHED_ACT]: "__sk_buff",
  [PT.XDP]: "xdp_md",
  [PT.CGROUP_SKB]: "__sk_buff",
  [PT.CGROUP_SOCK]: "bpf_sock",
  [PT.CGROUP_SOCK_ADDR]: "bpf_sock_addr",
  [PT.LWT_IN]: "__sk_buff",
  [PT.LWT_OUT]: "__sk_buff",
  [PT.LWT_XMIT]: "__sk_buff",
  [PT.LWT_SEG6LOCAL]: "__sk_buff",
  [PT.SOCK_OPS]: "bpf_sock_ops",
  [PT.SK_SKB]: "__sk_buff",
  [PT.SK_MSG]: "sk_msg_md",
  [PT.FLOW_DISSECTOR]: "__sk_buff",
  [PT.PERF_EVENT]: "bpf_perf_event_data",
  [PT.RAW_TRACEPOINT]: "bpf_raw_tracepoint_args",
  [PT.RAW_TRACEPOINT_WRITABLE]: "bpf_raw_tracepoint_args",
  [PT.CGROUP_DEVICE]: "bpf_cgroup_dev_ctx",
  [PT.CGROUP_SYSCTL]: "bpf_sysctl",
  [PT.CGROUP_SOCKOPT]: "bpf_sockopt",
  [PT.SK_REUSEPORT]: "sk_reuseport_md",
  [PT.SK_LOOKUP]: "bpf_sk_lookup",
  [PT.NETFILTER]: "bpf_nf_ctx",
};

const KPROBE_CTX = "bpf_user_pt_regs_t";
const QUALIFIERS: ReadonlySet<number> = new Set([BTF_KIND.CONST, BTF_KIND.VOLATILE, BTF_KIND.RESTRICT, BTF_KIND.TYPE_TAG]);

/** `ptr` is a pointer type; true when it points to the context structure of the program being verified. */
export function isProgCtxType(env: Env, btf: Btf, ptr: BtfType): boolean {
  let t = btf.type(ptr.type);
  const kprobe = env.prog.type === PT.KPROBE;
  while (QUALIFIERS.has(t.kind)) t = btf.type(t.type);
  if (kprobe && t.kind === BTF_KIND.TYPEDEF && t.name === KPROBE_CTX) return true;
  t = btf.type(btf.resolve(t.id));
  if ((t.kind !== BTF_KIND.STRUCT && t.kind !== BTF_KIND.UNION) || !t.name) return false;
  // The typedef's name counts as a structure's name too; on x86-64 it stands for struct pt_regs.
  if (kprobe) return t.name === KPROBE_CTX || t.name === "pt_regs";
  const ctx = CTX_STRUCT[env.prog.type];
  // The kernel's own structure behind a context counts as the context.
  return t.name === ctx || (ctx === "__sk_buff" && t.name === "sk_buff") || (ctx === "xdp_md" && t.name === "xdp_buff");
}

const KERNEL_CTX: Readonly<Record<string, string>> = {
  __sk_buff: "sk_buff",
  xdp_md: "xdp_buff",
  bpf_sock: "sock",
  bpf_sock_addr: "bpf_sock_addr_kern",
  bpf_sock_ops: "bpf_sock_ops_kern",
  sk_msg_md: "sk_msg",
  bpf_perf_event_data: "bpf_perf_event_data_kern",
  bpf_cgroup_dev_ctx: "bpf_cgroup_dev_ctx",
  bpf_sysctl: "bpf_sysctl_kern",
  bpf_sockopt: "bpf_sockopt_kern",
  sk_reuseport_md: "sk_reuseport_kern",
  bpf_sk_lookup: "bpf_sk_lookup_kern",
  bpf_nf_ctx: "bpf_nf_ctx",
};
/** Type id of the kernel's structure behind the context (get_kern_ctx_btf_id). */
export function kernelCtx(env: Env): number {
  const { type } = env.prog;
  const name = type === PT.FLOW_DISSECTOR ? "bpf_flow_dissector" : type === PT.KPROBE ? "pt_regs" : KERNEL_CTX[CTX_STRUCT[type] ?? ""];
  const id = name === undefined ? 0 : (env.kernelBtf?.find(name, BTF_KIND.STRUCT) ?? 0);
  if (!id) throw new Unsupported("kernel-context-type");
  return id;
}

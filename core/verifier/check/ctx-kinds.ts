// Which program types read their context as it lies in memory (no convert_ctx_access in their bpf_verifier_ops, 6.18). Data only.
import { PROG_TYPE as PT } from "../../catalog/index.ts";

/** Context given by BTF types of the hook. */
export const BTF_CTX: ReadonlySet<number> = new Set([PT.TRACING, PT.LSM, PT.STRUCT_OPS, PT.NETFILTER]);
export const FLAT_CTX: ReadonlySet<number> = new Set([
  PT.KPROBE,
  PT.TRACEPOINT,
  PT.RAW_TRACEPOINT,
  PT.RAW_TRACEPOINT_WRITABLE,
  PT.TRACING,
  PT.STRUCT_OPS,
  PT.LSM,
  PT.CGROUP_DEVICE,
  PT.LIRC_MODE2,
  PT.SYSCALL,
  PT.NETFILTER,
]);

// Helpers that look at the hook before they are allowed (bpf_func_proto.allowed, 6.18). The program type has been looked at before.
import { ATTACH_TYPE as AT, PROG_TYPE as PT } from "../../catalog/index.ts";
import type { Env } from "../env.ts";
import { FUNC } from "../prepare/callbacks.ts";

/** Functions in which a path may be turned into text (btf_allowlist_d_path). */
const D_PATH: ReadonlySet<string> = new Set([
  "security_file_permission",
  "security_inode_getattr",
  "security_file_open",
  "security_path_truncate",
  "vfs_truncate",
  "vfs_fallocate",
  "dentry_open",
  "vfs_getattr",
  "filp_close",
]);

/** bpf_d_path_allowed; which LSM hooks may sleep is not known here, so those pass. */
function dPath(env: Env): boolean {
  const { type, expectedAttachType: at } = env.prog;
  if (type === PT.LSM || (type === PT.TRACING && at === AT.TRACE_ITER)) return true;
  return D_PATH.has(env.attach.name);
}

/** bpf_sk_storage_tracing_allowed: not inside of the helpers themselves. */
function socketStorage(env: Env): boolean {
  const { type, expectedAttachType: at } = env.prog;
  if (type !== PT.TRACING && type !== PT.SYSCALL) return true;
  if (at === AT.TRACE_ITER || at === AT.TRACE_RAW_TP) return true;
  return (at === AT.TRACE_FENTRY || at === AT.TRACE_FEXIT) && !env.attach.name.startsWith("bpf_sk_storage");
}

/** Whether the program's hook lets it call helper `id`. */
export function helperAllowedAtHook(env: Env, id: number): boolean {
  if (id === FUNC.d_path) return dPath(env);
  return (id !== FUNC.sk_storage_get && id !== FUNC.sk_storage_delete) || socketStorage(env);
}

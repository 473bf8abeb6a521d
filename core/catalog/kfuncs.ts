// The kfuncs of Linux 6.18: flags and who may call them. Their prototypes come from BTF, not from here.
import { KFUNC_COLUMNS, KFUNC_ROWS } from "./generated/kfuncs.ts";
import { PROG_TYPE as PT, ATTACH_TYPE as AT } from "./generated/enums.ts";
import { kfuncDoc } from "./docs/index.ts";
import { parseRanges } from "./id-ranges.ts";
import { kfuncSince } from "./kfunc-since.ts";
import { PROG_TYPE_NAMES } from "./names.ts";
import type { KfuncRecord } from "./types.ts";

/** All kfuncs that some program type of the measured kernel may call, by name. */
export const KFUNCS: readonly KfuncRecord[] = KFUNC_ROWS.map(([name, flags, btfId]) => ({
  name,
  flags: new Set(flags ? flags.split(" ") : []),
  btfId,
  since: kfuncSince(name),
  doc: kfuncDoc(name),
}));

const BY_NAME = new Map(KFUNCS.map((k, index) => [k.name, { record: k, index }]));

/** The kfunc of that name. */
export const kfuncByName = (name: string): KfuncRecord | undefined => BY_NAME.get(name)?.record;

const columns = new Map<string, ReadonlySet<number>>();
function column(name: string): ReadonlySet<number> | undefined {
  const text = KFUNC_COLUMNS[name];
  let set = columns.get(name);
  if (!set && text !== undefined) columns.set(name, (set = parseRanges(text)));
  return set;
}

function columnName(progType: number, attach: number): string {
  if (progType === PT.TRACING) return attach === AT.TRACE_ITER ? "tracing:iter" : "tracing:tp_btf";
  if (progType === PT.LSM) return "tracing:tp_btf";
  if (progType === PT.STRUCT_OPS) return "struct_ops:tcp_cong_avoid";
  if (progType === PT.CGROUP_SOCK_ADDR) return "cgroup_sock_addr:connect4";
  if (progType === PT.CGROUP_SOCKOPT) return "cgroup_sockopt:set";
  return PROG_TYPE_NAMES[progType] ?? "";
}

/** Kfuncs that a filter allows by the attach type (bpf_kprobe_multi_filter, kernel/trace/bpf_trace.c, 6.18). */
const SESSION_KFUNCS: ReadonlySet<string> = new Set(["bpf_session_cookie", "bpf_session_is_return"]);
const SESSION_ATTACH: ReadonlySet<number> = new Set([AT.TRACE_KPROBE_SESSION, AT.TRACE_UPROBE_SESSION]);

/** Whether a program of this type may call kfunc `name` on Linux 6.18, as measured (LSM like tracing; lirc_mode2 and ext: none). */
export function kfuncAllowed(name: string, progType: number, expectedAttachType: number): boolean {
  if (SESSION_KFUNCS.has(name) && progType === PT.KPROBE && SESSION_ATTACH.has(expectedAttachType)) return true;
  const entry = BY_NAME.get(name);
  return entry !== undefined && (column(columnName(progType, expectedAttachType))?.has(entry.index) ?? false);
}

/** Program types (columns of the measurement) that may call kfunc `name`. */
export function kfuncProgramTypes(name: string): string[] {
  const entry = BY_NAME.get(name);
  return entry ? Object.keys(KFUNC_COLUMNS).filter((c) => column(c)?.has(entry.index)) : [];
}

// The helpers of Linux 6.18: records and who may call them. It never judges arguments; the verifier does.
import { ATTACH_TYPE as AT, PROG_TYPE as PT } from "./generated/enums.ts";
import { HELPER_COLUMNS } from "./generated/helper-columns.ts";
import { HELPER_ROWS, type ArgRow, type VariantRow } from "./generated/helpers.ts";
import { MUST_ALLOW } from "./contexts.ts";
import { parseRanges } from "./id-ranges.ts";
import { ATTACH_TYPE_NAMES, PROG_TYPE_NAMES } from "./names.ts";
import { helperDoc } from "./docs/index.ts";
import type { ArgSpec, HelperRecord, HelperVariant } from "./types.ts";

/** Splits a C declaration, `const void *key`, into type and name. */
function splitDeclaration(decl: string): { ctype: string; name: string } {
  let at = decl.length;
  if (decl.endsWith("...")) at -= 3;
  else while (at > 0 && isWord(decl.charCodeAt(at - 1))) at--;
  return { ctype: decl.slice(0, at).trim() || decl, name: decl.slice(at) };
}

/** Letters, digits and the underline. */
function isWord(c: number): boolean {
  return (c >= 97 && c <= 122) || (c >= 65 && c <= 90) || (c >= 48 && c <= 57) || c === 95;
}

function argument([decl, arg, btf, size]: ArgRow): ArgSpec {
  return { ...splitDeclaration(decl), arg, ...(btf === undefined ? {} : { btf }), ...(size === undefined ? {} : { size }) };
}

function flagFields(flags: string) {
  const has = (flag: string): boolean => flags.split(" ").includes(flag);
  return { gplOnly: has("gpl"), pktAccess: has("pkt"), mightSleep: has("sleep"), allowFastcall: has("fastcall") };
}

function variant([programTypes, ret, retBtf, flags, args]: VariantRow): HelperVariant {
  return { programTypes: programTypes.split(" "), ret, ...(retBtf ? { retBtf } : {}), ...flagFields(flags), args: args.map(argument) };
}

/** All helpers in the order of enum bpf_func_id, from 1 on. */
export const HELPERS: readonly HelperRecord[] = HELPER_ROWS.map(
  ([id, name, since, group, returns, ret, retBtf, flags, args, variants]) => ({
    id,
    name: `bpf_${name}`,
    returns,
    ret,
    ...(retBtf ? { retBtf } : {}),
    args: args.map(argument),
    ...flagFields(flags),
    since,
    group,
    doc: helperDoc(name),
    ...(variants ? { variants: variants.map(variant) } : {}),
  }),
);

const BY_NAME = new Map(HELPERS.map((h) => [h.name, h]));

/** The helper with number `id` of enum bpf_func_id. */
export const helperById = (id: number): HelperRecord | undefined => HELPERS[id - 1];
/** The helper of that name, with or without `bpf_`. */
export const helperByName = (name: string): HelperRecord | undefined => BY_NAME.get(name) ?? BY_NAME.get(`bpf_${name}`);

const seenBy = new Map<string, HelperRecord | undefined>();
/** The helper as programs of this type see it: its record with the differing prototype of that type, if it has one, put in. */
export function helperFor(id: number, progType: number, expectedAttachType: number): HelperRecord | undefined {
  const record = helperById(id);
  if (!record?.variants) return record;
  const key = `${id}:${progType}:${expectedAttachType}`;
  if (!seenBy.has(key)) seenBy.set(key, variantFor(record, progType, expectedAttachType));
  return seenBy.get(key);
}
function variantFor(record: HelperRecord, progType: number, expectedAttachType: number): HelperRecord {
  const type = PROG_TYPE_NAMES[progType] ?? "";
  const full = `${type}:${ATTACH_TYPE_NAMES[expectedAttachType] ?? ""}`;
  const variants = record.variants ?? [];
  const found = variants.find((v) => v.programTypes.includes(full)) ?? variants.find((v) => v.programTypes.includes(type));
  if (!found) return record;
  const { programTypes: _, ...proto } = found;
  const { retBtf: __, ...rest } = record;
  return { ...rest, ...proto };
}

const columns = new Map<string, ReadonlySet<number>>();
function column(name: string): ReadonlySet<number> {
  let set = columns.get(name);
  if (!set) columns.set(name, (set = parseRanges(HELPER_COLUMNS[name]!)));
  return set;
}

/** Column of the measurement that a program type is judged by. */
function columnName(progType: number, attach: number): string | undefined {
  const type = PROG_TYPE_NAMES[progType];
  if (type === undefined) return undefined;
  if (progType === PT.TRACING) return attach === AT.TRACE_ITER ? "tracing:iter" : "tracing:tp_btf";
  if (progType === PT.LSM) return "tracing:tp_btf";
  if (progType === PT.STRUCT_OPS) return "struct_ops:tcp_cong_avoid";
  if (progType === PT.CGROUP_SOCK_ADDR) return "cgroup_sock_addr:connect4";
  if (progType === PT.CGROUP_SOCKOPT) return attach === AT.CGROUP_GETSOCKOPT ? "cgroup_sockopt:get" : "cgroup_sockopt:set";
  return type in HELPER_COLUMNS ? type : undefined;
}

const HELPER = (name: string): number => BY_NAME.get(`bpf_${name}`)!.id;
const [TRAMPOLINE, LSM_ONLY, RETVAL, LIRC] = [
  ["get_func_arg", "get_func_ret", "get_func_arg_cnt", "get_attach_cookie", "get_func_ip"],
  [
    "inode_storage_get",
    "inode_storage_delete",
    "sk_storage_get",
    "sk_storage_delete",
    "spin_lock",
    "spin_unlock",
    "bprm_opts_set",
    "ima_inode_hash",
    "ima_file_hash",
  ],
  ["get_retval", "set_retval"],
  [
    "rc_repeat",
    "rc_keydown",
    "rc_pointer_rel",
    "map_lookup_elem",
    "map_update_elem",
    "map_delete_elem",
    "map_push_elem",
    "map_pop_elem",
    "map_peek_elem",
  ].concat(["ktime_get_ns", "ktime_get_boot_ns", "tail_call", "get_prandom_u32", "trace_printk"]),
].map((names) => new Set(names.map(HELPER))) as [Set<number>, Set<number>, Set<number>, Set<number>];

/** Attach types of cgroup programs whose return value cannot be asked or set (cgroup_common_func_proto, kernel/bpf/cgroup.c, 6.18). */
const NO_RETVAL: ReadonlySet<number> = new Set([AT.CGROUP_INET_INGRESS, AT.CGROUP_INET_EGRESS, AT.CGROUP_SOCK_OPS, ...MUST_ALLOW]);
const HAS_TRAMPOLINE: ReadonlySet<number> = new Set([AT.TRACE_FENTRY, AT.TRACE_FEXIT, AT.MODIFY_RETURN]);

/** Program types that could not be measured, from their get_func_proto in 6.18. */
function byRule(id: number, progType: number, attach: number): boolean | undefined {
  if (progType === PT.LIRC_MODE2) return LIRC.has(id);
  if (progType === PT.TRACING && HAS_TRAMPOLINE.has(attach) && TRAMPOLINE.has(id)) return true;
  if (progType === PT.LSM) {
    if (LSM_ONLY.has(id) || TRAMPOLINE.has(id)) return true;
    if (attach === AT.LSM_CGROUP && (RETVAL.has(id) || id === HELPER("get_local_storage"))) return true;
    return attach === AT.LSM_CGROUP && (id === HELPER("setsockopt") || id === HELPER("getsockopt")) ? true : undefined;
  }
  if ((progType === PT.CGROUP_DEVICE || progType === PT.CGROUP_SYSCTL) && RETVAL.has(id)) return !NO_RETVAL.has(attach);
  if (progType === PT.CGROUP_SOCK_ADDR) {
    if (id === HELPER("bind")) return attach === AT.CGROUP_INET4_CONNECT || attach === AT.CGROUP_INET6_CONNECT;
    if (RETVAL.has(id) && NO_RETVAL.has(attach)) return false;
  }
  return undefined;
}

/**
 * Whether a fully privileged program of this type may call helper `id` on Linux 6.18, as measured; for types that the
 * measurement lacks (LSM, fentry, fexit, fmod_ret, lirc_mode2) as their get_func_proto says. BPF_PROG_TYPE_EXT answers false:
 * it is judged as its target.
 */
export function helperAvailable(id: number, progType: number, expectedAttachType: number): boolean {
  const ruled = byRule(id, progType, expectedAttachType);
  if (ruled !== undefined) return ruled;
  const name = columnName(progType, expectedAttachType);
  return name !== undefined && column(name).has(id);
}

const CHANGES_PKT = new Set(
  (
    "clone_redirect l3_csum_replace l4_csum_replace lwt_push_encap lwt_seg6_action lwt_seg6_adjust_srh lwt_seg6_store_bytes msg_pop_data msg_pull_data " +
    "msg_push_data skb_adjust_room skb_change_head skb_change_proto skb_change_tail skb_pull_data skb_store_bytes skb_vlan_pop skb_vlan_push store_hdr_opt " +
    "xdp_adjust_head xdp_adjust_meta xdp_adjust_tail tail_call"
  )
    .split(" ")
    .map(HELPER),
);
/** Whether calling helper `id` invalidates packet pointers (bpf_helper_changes_pkt_data, net/core/filter.c, 6.18). */
export const helperChangesPktData = (id: number): boolean => CHANGES_PKT.has(id);

/** Program types (lower-case names, with `:attach` where the measurement has it) that may call helper `id`. */
export function helperProgramTypes(id: number): string[] {
  return Object.keys(HELPER_COLUMNS).filter((name) => column(name).has(id));
}

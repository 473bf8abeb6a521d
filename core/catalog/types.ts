// Shapes of the catalog's records, which verifier, machine and editor share. It holds no data.

/** A helper's argument: the kernel's names from struct bpf_func_proto, flags joined by ` | `, e.g. `ARG_PTR_TO_MEM | MEM_RDONLY`. */
export interface ArgSpec {
  readonly name: string;
  /** C type as a user reads it, e.g. `struct bpf_map *`. */
  readonly ctype: string;
  readonly arg: string;
  /** Kernel struct for ARG_PTR_TO_BTF_ID and ARG_PTR_TO_SPIN_LOCK-like arguments. */
  readonly btf?: string;
  /** Bytes for MEM_FIXED_SIZE arguments. */
  readonly size?: number;
}

/** The prototype of a helper that differs for some program types; it replaces the same fields of the record. */
export interface HelperVariant {
  /** Lower-case names, `type` or `type:attach_type`. */
  readonly programTypes: readonly string[];
  readonly ret: string;
  readonly retBtf?: string;
  readonly args: readonly ArgSpec[];
  readonly gplOnly: boolean;
  readonly pktAccess: boolean;
  readonly mightSleep: boolean;
  readonly allowFastcall: boolean;
}

/** One kfunc: its name and its KF_ flags without the prefix (`ACQUIRE`, `RET_NULL`, `TRUSTED_ARGS`, `ITER_NEW` ...). */
export interface KfuncRecord {
  readonly name: string;
  readonly flags: ReadonlySet<string>;
  /** First kernel with it, `X.Y`; undefined for those that are there for the kernel's own tests. */
  readonly since: string | undefined;
  /** Its BTF id in the measured kernel, whose types are bundled. */
  readonly btfId: number;
  /** What it does, in Markdown. */
  readonly doc: string;
}

/** One helper of enum bpf_func_id. */
export interface HelperRecord {
  readonly id: number;
  /** With prefix: `bpf_map_lookup_elem`. */
  readonly name: string;
  /** C return type. */
  readonly returns: string;
  /** Kernel ret_type, flags joined by ` | `: `RET_PTR_TO_MAP_VALUE | PTR_MAYBE_NULL` spelled as RET_PTR_TO_MAP_VALUE_OR_NULL etc. are split into base and flags. */
  readonly ret: string;
  readonly retBtf?: string;
  readonly args: readonly ArgSpec[];
  readonly gplOnly: boolean;
  readonly pktAccess: boolean;
  readonly mightSleep: boolean;
  readonly allowFastcall: boolean;
  /** First kernel with it, `X.Y`. */
  readonly since: string;
  readonly group: string;
  /** What it does, in Markdown. */
  readonly doc: string;
  readonly variants?: readonly HelperVariant[];
}

/** Result of asking whether a context field may be accessed; undefined means the kernel's is_valid_access says no. */
export interface CtxAccessInfo {
  /** Kernel register type that a load yields, flags joined by ` | `: `SCALAR_VALUE`, `PTR_TO_PACKET`, `PTR_TO_SOCKET | PTR_MAYBE_NULL` ... */
  readonly reg: string;
  /** info->ctx_field_size, 0 when narrow access is not converted. */
  readonly ctxFieldSize: number;
  /** True when the load is sign-extended 32-bit return value (info->is_retval). */
  readonly isRetval?: boolean;
  /** Kernel struct name for PTR_TO_BTF_ID. */
  readonly btf?: string;
}
export interface CtxQuery {
  readonly progType: number;
  readonly expectedAttachType: number;
  readonly off: number;
  readonly size: number;
  readonly write: boolean;
  /** The load is BPF_MEMSX. */
  readonly signExtend?: boolean;
  /** The loader lacks CAP_BPF. */
  readonly unprivileged?: boolean;
}

// What a loader hands on: programs as the kernel would see them, maps, types. Plain data; it loads and resolves nothing.
import type { BtfId, InsnIdx } from "../base/index.ts";
import type { Insn } from "../isa/index.ts";
import type { Btf } from "./btf/btf.ts";

/** BTF line info of one instruction, resolved to text. Lines and columns are 1-based. */
export interface LineInfo {
  readonly insnIdx: InsnIdx;
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** The source line as the compiler stored it (may be empty). */
  readonly text: string;
}

/** BTF function info: which FUNC type starts at an instruction. */
export interface FuncInfo {
  readonly insnIdx: InsnIdx;
  readonly typeId: BtfId;
}

/** A map as it would be created. `btfKeyTypeId`/`btfValueTypeId` refer to the object's BTF (0: none). */
export interface MapSpec {
  readonly name: string;
  /** enum bpf_map_type. */
  readonly type: number;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  readonly flags: number;
  readonly mapExtra: bigint;
  readonly btfKeyTypeId: BtfId;
  readonly btfValueTypeId: BtfId;
  readonly inner?: MapSpec | undefined;
  /** Initial bytes of element 0 (global data sections). */
  readonly initial?: Uint8Array | undefined;
  /** ELF section that the map holds (global data sections), as DWARF uses them; negative for `.kconfig`. */
  readonly section?: number | undefined;
  /** Frozen after loading (.rodata, .kconfig). */
  readonly frozen?: boolean | undefined;
  /** Initial slots of prog arrays and map-in-map: index -> name of a program or map. */
  readonly values?: ReadonlyMap<number, string> | undefined;
  /** The value holds a struct bpf_spin_lock, so that BPF_F_LOCK is allowed. */
  readonly spinLock?: boolean | undefined;
  readonly pinning?: boolean | undefined;
  /** NUMA node that the definition asks for. */
  readonly numaNode?: number | undefined;
  /** The loader maps it into user space before any program is loaded (arenas). */
  readonly userMapped?: boolean | undefined;
  /** For struct_ops maps: name of the kernel structure. */
  readonly structOps?: string | undefined;
}

/** Where a run of a program's instructions came from: one function of the object. Sections and offsets are those of the ELF file, as DWARF uses them. */
export interface CodeOrigin {
  readonly name: string;
  readonly section: number;
  readonly offBytes: number;
  /** Slots. */
  readonly length: number;
  readonly insnIdx: InsnIdx;
}

/** A descriptor of the author's in the place of an index into `maps` maps: `~fd`, behind the last index when that is none below 0. */
export const literalDescriptor = (fd: number, maps: number): number => (fd >= 0 ? ~fd : maps + ~fd);
/** The descriptor that {@link literalDescriptor} coded. */
export const descriptorOf = (imm: number, maps: number): number => ~(imm < 0 ? imm : imm - maps);

/**
 * One program after relocation, with all its subprograms appended, as BPF_PROG_LOAD gets it, except:
 * ld_imm64 with src 1 (map) or 2 (map value) holds in `imm` the index into `maps` of the object, not a descriptor. What is no
 * index is a descriptor that the author wrote into the code, as {@link literalDescriptor} codes it: no map stands behind it.
 */
export interface ProgramSpec {
  readonly name: string;
  readonly section: string;
  /** enum bpf_prog_type. */
  readonly type: number;
  /** enum bpf_attach_type that is passed as expected_attach_type. */
  readonly expectedAttachType: number;
  /** prog_flags (BPF_F_SLEEPABLE, BPF_F_XDP_HAS_FRAGS, ...). */
  readonly flags: number;
  /** What it attaches to by its section name (`do_unlinkat`, `xdp_redirect`, `task_alloc`), if it says so. */
  readonly attachTo?: string | undefined;
  /** Kernel BTF id that `attachTo` resolved to (tp_btf, fentry, lsm, iter, struct_ops ...); 0 when there is none. */
  readonly attachBtfId: BtfId;
  readonly license: string;
  readonly insns: readonly Insn[];
  readonly funcInfo: readonly FuncInfo[];
  readonly lineInfo: readonly LineInfo[];
  /** Names of subprograms by the slot where they start. */
  readonly subprogNames: ReadonlyMap<InsnIdx, string>;
  /** Slot of the function that its `exception_callback:` tag names. */
  readonly exceptionCallback?: number | undefined;
  /** The functions that the program is made of, in order; the entry function first. Absent when no ELF file is behind it. */
  readonly origin?: readonly CodeOrigin[] | undefined;
  /** True for programs of `?` sections, which libbpf does not load by default. */
  readonly optional: boolean;
  /** Set when this program cannot be loaded although the object can (unknown section, unresolved ksym ...), in libbpf's reason. */
  readonly error?: { readonly code: string; readonly message: string } | undefined;
}

/** A whole object, linked and relocated. */
export interface ObjectSpec {
  readonly programs: readonly ProgramSpec[];
  readonly maps: readonly MapSpec[];
  readonly btf: Btf | undefined;
  /** Set when the kernel refuses `btf`: programs and maps are then loaded without types, function info and line info. Positive errno, last lines of its log. */
  readonly btfRefusal?: { readonly errno: number; readonly log: string } | undefined;
  readonly license: string;
}

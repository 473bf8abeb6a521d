// A map as the verifier knows it: sizes, flags, special fields of its value. It holds no entries.
import type { MapSpec } from "../../object/index.ts";
import { MAP_TYPE } from "../../catalog/index.ts";
import type { BtfRecord } from "../btf/record.ts";

export const BPF_F_RDONLY_PROG = 1 << 7,
  BPF_F_WRONLY_PROG = 1 << 8;
const BPF_OBJ_NAME_LEN = 16;

/** struct bpf_map, the part that verification looks at. Identity matters: one object a map. */
export class MapInfo {
  readonly spec: MapSpec;
  readonly index: number;
  readonly type: number;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  readonly name: string;
  readonly inner: MapInfo | null;
  /** Special fields of the value, null when there are none. */
  record: BtfRecord | null = null;

  constructor(spec: MapSpec, index: number) {
    this.spec = spec;
    this.index = index;
    this.type = spec.type;
    this.keySize = spec.keySize;
    this.valueSize = spec.valueSize;
    // Sizes that a program leaves open are set by its loader; one entry is the least that can be created.
    this.maxEntries = spec.maxEntries || 1;
    this.name = spec.name.replace(/[^A-Za-z0-9_.]/g, "").slice(0, BPF_OBJ_NAME_LEN - 1);
    this.inner = spec.inner ? new MapInfo(spec.inner, -1) : null;
  }
  get canRead(): boolean {
    return (this.spec.flags & BPF_F_WRONLY_PROG) === 0;
  }
  get canWrite(): boolean {
    return (this.spec.flags & BPF_F_RDONLY_PROG) === 0;
  }
  /** Its content can be taken for constants (bpf_map_is_rdonly). */
  get isConstant(): boolean {
    return (this.spec.flags & BPF_F_RDONLY_PROG) !== 0 && this.spec.frozen === true;
  }
  /** Programs may hold pointers straight into its values (map_direct_value_addr). */
  get hasDirectValue(): boolean {
    return this.type === MAP_TYPE.ARRAY || this.type === MAP_TYPE.ARENA;
  }
  /** `size` bytes of element 0 at `off`, zero where the initial value is shorter. */
  constantBytes(off: number, size: number): Uint8Array {
    const out = new Uint8Array(size);
    const from = this.spec.initial?.subarray(off, off + size);
    if (from) out.set(from);
    return out;
  }
}

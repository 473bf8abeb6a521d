// What becomes of an object's types and maps when libbpf 1.5 hands them to the kernel (bpf_object__sanitize_and_load_btf, bpf_object__create_maps). It creates nothing.
import { BTF_KIND, type Btf } from "../btf/btf.ts";
import { checkBtf, type BtfRefusal } from "../btf/check/check.ts";
import { putU32, reopened } from "../btf/edit.ts";
import type { BtfBlob } from "../btf/reader.ts";
import { sanitizeBtf } from "../btf/sanitize.ts";
import type { MapSpec } from "../spec.ts";
import type { Capabilities } from "../caps.ts";
import type { Features } from "../features.ts";
import { BPF_F_MMAPABLE } from "./kinds.ts";
import { checkMap, checkMapBtf, hasSpinLock } from "./map-check.ts";
import { asCreated } from "./maps.ts";
import { mayCreate } from "./map-privilege.ts";
import type { LoadFault, ObjectState } from "./model.ts";

const EPERM = 1;
const EOPNOTSUPP = 95;

export interface Created {
  readonly maps: readonly MapSpec[];
  /** Why the kernel refuses the object's types; programs and maps then go without. */
  readonly btfRefusal: BtfRefusal | undefined;
  /** Why nothing of the object can be loaded. */
  readonly fault: LoadFault | undefined;
}
export interface CreateOptions {
  readonly kernelBtf?: Btf | undefined;
  readonly possibleCpus: number;
  /** Maps without a number of entries are at fault: no loader of their own will set it. */
  readonly sizesAreFinal: boolean;
  readonly has: Features;
  readonly may: Capabilities;
}

/** Types and maps of the object as the kernel would have them. */
export function createMaps(state: ObjectState, options: CreateOptions): Created {
  hideFunctions(state);
  if (state.btf !== undefined) state.btf = sanitizeBtf(state.btf, options.has);
  const refusal = refusalOfTypes(state, options);
  let fault: LoadFault | undefined;
  if (refusal !== undefined && state.maps.some((m) => m.structOps !== undefined))
    fault = { code: "btf-refused", message: `Error loading .BTF into kernel: -${refusal.errno}. BTF is mandatory, can't proceed.` };
  const btf = refusal === undefined ? state.btf : undefined;
  const maps = state.maps.map((map) => {
    const spec = map.internal && !options.has("ARRAY_MMAP") ? { ...map.spec, flags: map.spec.flags & ~BPF_F_MMAPABLE } : map.spec;
    const wanted = withoutBtf(asCreated(spec, options.possibleCpus), btf !== undefined);
    if (!map.autocreate) return wanted;
    const made = create(wanted, btf, options);
    if (typeof made !== "number") return made;
    fault ??= { code: "map-create", message: refusalText(wanted, made) };
    return wanted;
  });
  return { maps, btfRefusal: refusal, fault };
}

/** A kernel that knows no types at all refuses them too, and all of loaders without CAP_BPF (bpf_btf_load). */
function refusalOfTypes({ btf }: ObjectState, options: CreateOptions): BtfRefusal | undefined {
  if (btf === undefined) return undefined;
  if (!options.has("BTF")) return { errno: EOPNOTSUPP, log: "" };
  if (!options.may.bpf) return { errno: EPERM, log: "" };
  return checkBtf(btf.bytes, options.kernelBtf, btf.layout.littleEndian);
}

/** Global subprograms of hidden visibility are verified as static ones. */
function hideFunctions(state: ObjectState): void {
  const hidden = state.funcs.filter((f) => f.hidden && f.secIdx === state.textIdx);
  if (state.btf === undefined || hidden.length === 0) return;
  for (const f of hidden) {
    const id = state.btf.find(f.name, BTF_KIND.FUNC);
    if (id !== 0) putU32(state.btf, state.btf.offsetOf(id) + 4, BTF_KIND.FUNC << 24);
  }
  state.btf = reopened(state.btf);
}

const withoutBtf = (spec: MapSpec, keep: boolean): MapSpec =>
  keep ? spec : { ...spec, btfKeyTypeId: 0, btfValueTypeId: 0, inner: spec.inner && withoutBtf(spec.inner, false) };

/** The map as created, tried once more without its types when it has some (bpf_object__create_map), or the errno. */
function create(spec: MapSpec, btf: BtfBlob | undefined, options: CreateOptions): MapSpec | number {
  let whole = spec;
  if (spec.inner !== undefined) {
    const inner = create(spec.inner, btf, options);
    if (typeof inner === "number") return inner;
    whole = { ...spec, inner };
  }
  const typed = whole.btfKeyTypeId !== 0 || whole.btfValueTypeId !== 0;
  const errno = refusalOf(whole, btf, options);
  if (errno === 0) return btf && hasSpinLock(whole, btf, options.kernelBtf) ? { ...whole, spinLock: true } : whole;
  const plain = { ...whole, btfKeyTypeId: 0, btfValueTypeId: 0 };
  const again = typed ? refusalOf(plain, undefined, options) : errno;
  return again === 0 ? plain : again;
}

function refusalOf(spec: MapSpec, btf: BtfBlob | undefined, options: CreateOptions): number {
  if (!mayCreate(spec, options.may)) return EPERM;
  const errno = !options.sizesAreFinal && lacksSize(spec) ? 0 : checkMap(spec);
  return errno !== 0 || btf === undefined ? errno : checkMapBtf(spec, btf, options.kernelBtf);
}

/** Whether the map would be created if only it had a number of entries: one, or for rings a page. */
const lacksSize = (spec: MapSpec): boolean =>
  spec.maxEntries === 0 && checkMap(spec) !== 0 && [1, 4096].some((maxEntries) => checkMap({ ...spec, maxEntries }) === 0);

const ERRNO_TEXT: Readonly<Record<number, string>> = {
  1: "Operation not permitted",
  7: "Argument list too long",
  13: "Permission denied",
  22: "Invalid argument",
  34: "Numerical result out of range",
  95: "Operation not supported",
};

function refusalText(spec: MapSpec, errno: number): string {
  const hint = lacksSize(spec) ? "; max_entries is 0" : "";
  return `map '${spec.name}': failed to create: ${ERRNO_TEXT[errno] ?? `Unknown error ${errno}`}(-${errno})${hint}`;
}

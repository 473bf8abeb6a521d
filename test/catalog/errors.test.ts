// Errors and flags of the catalog: complete, in known words, and none missing of those that the simulated kernel returns. It judges no texts.
import { readFileSync } from "node:fs";
import { constants } from "node:os";
import { describe, expect, it } from "vitest";
import {
  helperById,
  helperErrors,
  HELPERS,
  kfuncErrors,
  KFUNCS,
  MAP_TYPE_NAMES,
  mapTypeErrors,
  mapTypeFlags,
  type ErrorRow,
} from "../../core/catalog/index.ts";
import { WITH_ERRORS } from "../../core/catalog/errors/index.ts";
import { BTF_KIND, checkMap, type Btf } from "../../core/object/index.ts";
import { SimKernel, loadWithMaps, prepareRun } from "../../core/kernel/index.ts";
import { OP } from "../../core/vm/index.ts";
import { verify } from "../../core/verifier/index.ts";
import { CASES } from "../kernel-sim/cases/index.ts";
import { inputOf } from "../kernel-sim/run-cases.ts";
import { objectSubjects, sequence, SimAsk, subjects } from "../kernel-sim/ask-maps.ts";
import { kernelBtf } from "../parity/corpora.ts";

/** Numbers of errno names; ENOTSUPP is the kernel's own. */
const NUMBERS: Readonly<Record<string, number>> = {
  ...constants.errno,
  ENOTSUPP: 524,
  ENOKEY: 126,
  EBADFD: 77,
  ENONET: 64,
  EPFNOSUPPORT: 96,
  ESOCKTNOSUPPORT: 94,
};
const nameOf = (errno: number): string => Object.keys(NUMBERS).find((n) => NUMBERS[n] === errno) ?? String(errno);

/** Helpers that return a number and never a negative errno: 0, an action, a count or a comparison. */
const HELPERS_THAT_DO_NOT_FAIL =
  "get_func_arg_cnt get_numa_node_id get_retval msg_apply_bytes msg_cork_bytes msg_redirect_hash msg_redirect_map override_return rc_keydown rc_pointer_rel rc_repeat redirect redirect_map redirect_neigh redirect_peer set_hash set_retval sk_redirect_hash sk_redirect_map skb_ecn_set_ce spin_lock spin_unlock strncmp task_pt_regs tcp_send_ack".split(
    " ",
  );
/** The same of kernel functions that return an int or long. */
const KFUNCS_THAT_DO_NOT_FAIL = [
  "bpf_fentry_test1",
  "bpf_iter_dmabuf_new",
  "bpf_iter_kmem_cache_new",
  "bpf_map_sum_elem_count",
  "bpf_modify_return_test",
  "bpf_modify_return_test2",
  "bpf_modify_return_test_tp",
  "bpf_task_under_cgroup",
];

const wellFormed = (rows: readonly ErrorRow[]): void => {
  expect(new Set(rows.map((r) => r.errno)).size).toBe(rows.length);
  for (const { errno, when } of rows) {
    expect(NUMBERS[errno], errno).toBeGreaterThan(0);
    expect(when.length, when).toBeGreaterThan(6);
    expect(when, when).not.toMatch(/E[A-Z]{3,}:|[.;]$|^[A-Z][a-z]/);
  }
};
function returnsInt(btf: Btf, name: string): boolean {
  const id = btf.find(name, BTF_KIND.FUNC);
  const result = btf.type(btf.resolve(btf.type(btf.type(id).type).type));
  return result.kind === BTF_KIND.INT && (result.encoding & 1) !== 0;
}

describe("errors", () => {
  it("are given of every helper that returns a number, or it is known not to fail", () => {
    const numbers = HELPERS.filter((h) => ["long", "int", "s64"].includes(h.returns));
    const without = numbers.filter((h) => helperErrors(h.name).length === 0).map((h) => h.name.slice(4));
    expect(without.sort()).toEqual(HELPERS_THAT_DO_NOT_FAIL);
    expect(WITH_ERRORS.helpers.filter((n) => !HELPERS.some((h) => h.name === `bpf_${n}`))).toEqual([]);
    for (const h of HELPERS) wellFormed(helperErrors(h.name));
  });
  it("are given of every kernel function that returns a signed number, or it is known not to fail", () => {
    const btf = kernelBtf()!;
    const without = KFUNCS.filter((k) => returnsInt(btf, k.name) && kfuncErrors(k.name).length === 0).map((k) => k.name);
    expect(without.sort()).toEqual(KFUNCS_THAT_DO_NOT_FAIL);
    expect(WITH_ERRORS.kfuncs.filter((n) => !KFUNCS.some((k) => k.name === n))).toEqual([]);
    for (const k of KFUNCS) wellFormed(kfuncErrors(k.name));
  });
  it("are given of every type of map, each with its reason", () => {
    expect([...WITH_ERRORS.mapTypes].sort()).toEqual(MAP_TYPE_NAMES.filter((_, id) => id > 0).sort());
    const rows = MAP_TYPE_NAMES.flatMap((name) => mapTypeErrors(name));
    for (const row of rows) wellFormed([row]);
    expect([...new Set(rows.map((r) => `${r.operation} ${r.errno}`))].sort()).toEqual([...WITH_ERRORS.mapReasons].sort());
  });
  it("hold those that the simulated kernel returns in all cases of runs", () => {
    const missing = new Set<string>();
    let seen = 0;
    for (const c of CASES) {
      const input = inputOf(c);
      const kernel = new SimKernel({ maxBytes: 1 << 26, kernelTypes: kernelBtf(), hardware: { cpus: 2 } });
      const { special } = verify(input, { logLevel: 0, kernelBtf: kernelBtf() });
      const program = loadWithMaps(kernel, { ...input, special }, input.maps);
      kernel.machine.setWatch({
        covers: () => false,
        beforeStore: () => undefined,
        beforeCall: () => undefined,
        afterCall: (vm) => {
          const isKfunc = vm.program.plainOp[vm.pc] === OP.CALL_KFUNC;
          const imm = vm.program.imm[vm.pc]!;
          const name = isKfunc ? kernelBtf()!.type(imm).name : helperById(imm)!.name;
          const result = isKfunc && vm.hi32(0) === 0 ? vm.s32(0) : vm.hi32(0) === -1 ? vm.s32(0) : 0;
          if (result >= 0 || result < -4095 || !returnsError(name) || (isKfunc && !returnsInt(kernelBtf()!, name))) return;
          seen++;
          const rows = isKfunc ? kfuncErrors(name) : helperErrors(name);
          if (!rows.some((r) => NUMBERS[r.errno] === -result)) missing.add(`${name} ${nameOf(-result)}`);
        },
      });
      const bytes = (text: string | undefined): Uint8Array | undefined =>
        text === undefined ? undefined : Uint8Array.from(Buffer.from(text, "hex"));
      const run = prepareRun(kernel, program, { data: bytes(c.data), ctx: bytes(c.ctx) });
      if (!("state" in run)) continue;
      kernel.begin(program, run.state);
      kernel.finish();
    }
    expect([...missing].sort()).toEqual([]);
    expect(seen).toBeGreaterThan(150);
  });
  it("hold those of 1,500 operations on each type of map", () => {
    const OPERATION: Readonly<Record<string, string>> = { lk: "lookup", up: "update", dl: "delete", nx: "next", ld: "take", fz: "freeze" };
    const missing = new Set<string>();
    [...subjects(2), ...objectSubjects(2)].forEach((subject, i) => {
      const sim = new SimAsk(2);
      const name = MAP_TYPE_NAMES[subject.type]!;
      for (const line of sequence(subject, 1500, (i + 1) * 7919)) {
        const errno = Number(sim.answer(line).split(" ")[0]);
        const operation = OPERATION[line.split(" ")[0]!];
        if (errno && operation && !mapTypeErrors(name).some((r) => r.operation === operation && NUMBERS[r.errno] === errno))
          missing.add(`${name} ${operation} ${nameOf(errno)}`);
      }
    });
    expect([...missing].sort()).toEqual([]);
  });
});

/** Helpers whose result may be a negative number that is no errno. */
const returnsError = (name: string): boolean => !/_(strtol|strncmp|strcmp|strcasecmp|csum_diff|csum_update|get_retval)$/.test(name);

const FLAGS: readonly (readonly [string, number])[] = [
  "NO_PREALLOC NO_COMMON_LRU NUMA_NODE RDONLY WRONLY STACK_BUILD_ID ZERO_SEED RDONLY_PROG WRONLY_PROG CLONE MMAPABLE PRESERVE_ELEMS INNER_MAP LINK",
]
  .flatMap((names) => names.split(" ").map((n, bit): [string, number] => [`BPF_F_${n}`, 1 << bit]))
  .concat([
    ["BPF_F_VTYPE_BTF_OBJ_FD", 1 << 15],
    ["BPF_F_SEGV_ON_FAULT", 1 << 17],
    ["BPF_F_NO_USER_CONV", 1 << 18],
  ]);
/** By type, the flags that Linux 6.18.44 took; each alone, with those that the type needs (scripts/check-map-flags.mjs). */
const MEASURED = JSON.parse(readFileSync(new URL("../fixtures/machine/map-flags.json", import.meta.url), "utf8")) as Record<
  string,
  string[]
>;

describe("flags of maps", () => {
  it("are those that the kernel took", () => {
    const names = MAP_TYPE_NAMES.filter((name, id) => id > 0 && name !== "struct_ops");
    expect(Object.keys(MEASURED).sort()).toEqual([...names].sort());
    for (const name of names) expect([name, [...mapTypeFlags(name)].sort()]).toEqual([name, [...MEASURED[name]!].sort()]);
  });
  it("are those that the loader's check takes", () => {
    for (const s of [...subjects(2), ...objectSubjects(2)]) {
      const name = MAP_TYPE_NAMES[s.type]!;
      const taken = FLAGS.filter(([, bit]) => {
        const spec = {
          name: "m",
          type: s.type,
          keySize: s.keySize,
          valueSize: name === "stack_trace" ? 64 : s.valueSize,
          maxEntries: s.maxEntries,
          mapExtra: 0n,
          btfKeyTypeId: 1,
          btfValueTypeId: 1,
        };
        return checkMap({ ...spec, flags: (s.flags ?? 0) | bit, ...(s.inner ? { inner: { ...spec, type: 2, flags: 0 } } : {}) }) === 0;
      });
      expect([name, taken.map(([n]) => n).sort()]).toEqual([name, [...mapTypeFlags(name)].sort()]);
    }
  });
});

// Loaders without CAP_BPF, whom no kernel that answers lets in: the verifier against what the kernel's selftests say of themselves. Skipped and counted where the corpus cannot be had.
import { describe, expect, it } from "vitest";
import { MAP_TYPE as M } from "../../core/catalog/index.ts";
import { loadObject, type LoadOptions, type MapSpec } from "../../core/object/index.ts";
import { annotationsOf, missingWords, wordsPattern, type Expectation } from "./annotations.ts";
import { answer, buildSelftests, casesOf, kernelBtf, selftestObjects, type Case } from "./corpora.ts";

const FUNC_KIND = 12;
const ANYBODY: ReadonlySet<number> = new Set([
  ...[M.ARRAY, M.PERCPU_ARRAY, M.PROG_ARRAY, M.PERF_EVENT_ARRAY, M.CGROUP_ARRAY, M.ARRAY_OF_MAPS, M.HASH, M.PERCPU_HASH],
  ...[M.HASH_OF_MAPS, M.RINGBUF, M.USER_RINGBUF, M.CGROUP_STORAGE, M.PERCPU_CGROUP_STORAGE],
]);
/** The selftests' runner creates only what it may (is_unpriv_capable_map). */
const skipMap = (map: MapSpec): boolean => !ANYBODY.has(map.type);
const OPTIONS: LoadOptions = { caps: "unprivileged", skipMap };

const accepted: Expectation = { fails: false, words: [] };
const rejected = (words: string): Expectation => ({ fails: true, words: [wordsPattern(words)] });
const changed = (names: string, now: Expectation): [string, Expectation][] => names.split(" ").map((name) => [name, now]);
/** The corpus is of 6.12, the answers are 6.18's: what the later kernel's own selftests say instead. */
const SINCE_6_12: ReadonlyMap<string, Expectation> = new Map([
  // A barrier where there was a refusal: only a speculative path goes wrong (6.17).
  ...changed("known_subreg_with_unknown_reg _32bit_and_64bit_arithmetic_test1 _32bit_and_64bit_arithmetic_test2", accepted),
  ...changed("reg_0_reg_xor_1 reg32_0_reg32_xor_1 reg_2_reg_xor_3 reg_0_reg_xor_3 reg32_0_reg32_xor_3", accepted),
  ...changed("mov64sx_s32_varoff_2 mov64sx_s32_varoff_3 alu32_mov_u32_const value_ptr_unknown_scalar_2_2", accepted),
  ...changed("value_pointer_and_scalar_1 value_pointer_and_scalar_2", rejected("R2 tried to add from different maps, paths or scalars")),
  // The negation of a known number is known (6.17): both paths bring the same; and no unbounded number is left.
  ...changed("ptr_unknown_vs_unknown_lt ptr_unknown_vs_unknown_gt", accepted),
  ...changed("deducing_bounds_from_const_10", rejected("R1 has pointer with unsupported alu operation")),
  // Helpers read the stack in the same words as programs (6.13).
  ...changed("uninitialized_stack1", rejected("invalid read from stack R2 off=-8 size=8")),
  ...changed("stack_bitwise_and_zero_included stack_jmp_no_min_check", rejected("invalid read from stack R2 off -64+0 size 64")),
  ...changed("variable_memory_8_bytes_leak", rejected("invalid read from stack R2 off -64+32 size 64")),
  ...changed("on_stack_to_helper_function", rejected("invalid read from stack R2 off -8+0 size 8")),
]);

interface Tally {
  programs: number;
  rejected: number;
  words: number;
  otherProcessors: number;
  readonly unmet: string[];
  readonly changedMet: Set<string>;
}

/** In what way the answer to one program is not what is expected; undefined when it is. */
function unmet(want: Expectation, c: Case | undefined, logLevel: number): string | undefined {
  if (!c) return want.fails ? undefined : "is not loaded";
  const got = answer(c, { caps: "unprivileged", logLevel: logLevel || 1 });
  const verdict = want.fails ? "reject" : "accept";
  if (got.verdict !== verdict) return `${verdict} there, ${got.verdict} ${got.message ?? got.error.join(" / ")} here`;
  // A program that loads at log level 0 has no log.
  if (!want.fails && logLevel === 0) return undefined;
  const lacks = missingWords(got.log, want.words);
  return lacks && `${String(lacks)} there, ${got.error.join(" / ")} here`;
}

function check(object: string, bytes: Uint8Array, t: Tally): void {
  const { programs, btf } = loadObject(bytes, { kernelBtf: kernelBtf(), fileName: `${object}.o`, ...OPTIONS });
  const cases = new Map(casesOf(object, bytes, OPTIONS).map((c) => [c.program, c]));
  for (const { name } of programs) {
    const { unprivileged, here, logLevel } = annotationsOf(btf!, btf!.find(name, FUNC_KIND));
    if (!unprivileged) continue;
    if (!here) {
      t.otherProcessors++;
      continue;
    }
    const now = SINCE_6_12.get(name);
    // One that has the new answer by the old words too would not need to be named.
    if (now && unmet(unprivileged, cases.get(name), logLevel) !== undefined) t.changedMet.add(name);
    const want = now ?? unprivileged;
    t.programs++;
    t.rejected += Number(want.fails);
    t.words += want.words.length;
    const why = unmet(want, cases.get(name), logLevel);
    if (why !== undefined) t.unmet.push(`${object}/${name}: ${why}`);
  }
}

const built = buildSelftests();

describe("selftests loaded without any capability", () => {
  it.skipIf(!built)("get the verdict and the words that they are annotated with", { timeout: 300_000 }, () => {
    const t: Tally = { programs: 0, rejected: 0, words: 0, otherProcessors: 0, unmet: [], changedMet: new Set() };
    for (const [name, bytes] of selftestObjects()!) check(name, bytes, t);
    console.log(
      `verifier without capabilities against the selftests' annotations: ${t.programs - t.unmet.length}/${t.programs} programs ` +
        `(${t.rejected} rejected, ${t.words} messages; ${SINCE_6_12.size} as 6.18 annotates them; ${t.otherProcessors} for other processors left out)`,
    );
    for (const line of t.unmet) console.log(`  ${line}`);
    expect(t.unmet).toEqual([]);
    expect([...SINCE_6_12.keys()].filter((name) => !t.changedMet.has(name))).toEqual([]);
    expect(t.programs).toBeGreaterThanOrEqual(490);
  });
});

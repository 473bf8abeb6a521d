// The assembler: single instructions, faults, and the same object as clang 19 for whole files. It runs no program.
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { bytesToHex } from "../../core/base/index.ts";
import { helperByName } from "../../core/catalog/index.ts";
import { assemble, decodeInsns, disassemble } from "../../core/isa/index.ts";
import { viewObject } from "./elf-sections.ts";

const text = (source: string): string => {
  const { object, diagnostics } = assemble(source, { helperId: (n) => helperByName(n)?.id });
  return object
    ? viewObject(object).sections[".text"].hex
    : diagnostics.map((d) => `${d.line + 1}:${d.start + 1}-${d.end + 1} ${d.message}`).join("\n");
};

describe("instructions", () => {
  const cases: [string, string][] = [
    ["r0 = 0", "b700000000000000"],
    ["w1 = w2", "bc21000000000000"],
    ["r1 = w2", "bc21000000000000"],
    ["r1 = 0x1122334455667788 ll", "18010000887766550000000044332211"],
    ["r3 += -4", "07030000fcffffff"],
    ["r3 s/= r4", "3f43010000000000"],
    ["w3 s%= 7", "9403010007000000"],
    ["r1 = -r1", "8701000000000000"],
    ["r1 = (s16)r2", "bf21100000000000"],
    ["w1 = (s8)w2", "bc21080000000000"],
    ["r1 = be16 r1", "dc01000010000000"],
    ["r1 = bswap32 r1", "d701000020000000"],
    ["r1 = addr_space_cast(r2, 0, 1)", "bf21010001000000"],
    ["r2 = *(u32 *)(r1 + 76)", "61124c0000000000"],
    ["r2 = *(s8 *)(r1 - 1)", "9112ffff00000000"],
    ["*(u8 *)(r10 - 1) = 5", "720affff05000000"],
    ["*(u64 *)(r10 - 8) = r1", "7b1af8ff00000000"],
    ["r0 = *(u16 *)skb[12]", "280000000c000000"],
    ["r0 = *(u8 *)skb[r7]", "5070000000000000"],
    ["lock *(u64 *)(r1 + 0) += r2", "db21000000000000"],
    ["r2 = atomic_fetch_or((u64 *)(r1 + 8), r2)", "db21080041000000"],
    ["w0 = cmpxchg32_32(r1 + 0, w0, w2)", "c3210000f1000000"],
    ["r2 = xchg_64(r1 + 0, r2)", "db210000e1000000"],
    ["r0 = load_acquire((u64 *)(r1 + 0))", "db10000000010000"],
    ["store_release((u32 *)(r1 + 4), r2)", "c321040010010000"],
    ["if r1 s> r2 goto +1", "6d21010000000000"],
    ["if w1 & 0x7 goto -1", "4601ffff07000000"],
    ["goto +0", "0500000000000000"],
    ["may_goto +1", "e500010000000000"],
    ["call 1", "8500000001000000"],
    ["call bpf_map_lookup_elem", "8500000001000000"],
    ["callx r3", "8d03000000000000"],
    ["exit", "9500000000000000"],
    ["l: goto l", "0500ffff00000000"],
    ["1: gotol 1b", "06000000ffffffff"],
  ];
  for (const [source, hex] of cases) it(source, () => expect(text(source)).toBe(hex));

  it("reads the kernel's log back", () => {
    const log = [
      "func#0 @0",
      "0: R1=ctx() R10=fp0",
      "; int x = f(); @ a.c:3",
      "0: (b7) r6 = 1                        ; R6_w=1",
      "1: (85) call bpf_get_prandom_u32#7     ; R0_w=scalar()",
      "2: (15) if r0 == 0x0 goto pc+1",
      "3: (db) r6 = atomic64_fetch_add((u64 *)(r10 -8), r6)",
      "4: (95) exit",
    ];
    expect(text(log.join("\n"))).toBe(
      ["b706000001000000", "8500000007000000", "1500010000000000", "db6af8ff01000000", "9500000000000000"].join(""),
    );
  });
  it("assembles what the disassembler prints", () => {
    const skips = [0x18, 0x85, 0x8d];
    for (const [, hex] of cases) {
      const [insn, next] = decodeInsns(Uint8Array.from(Buffer.from(hex, "hex")));
      if (!skips.includes(insn.code)) expect(text(`0: ${disassemble(insn, next)}`), disassemble(insn, next)).toBe(hex);
    }
  });
});

describe("faults", () => {
  const cases: [string, string][] = [
    ["r11 = 1", "1:1-4 there is no register 'r11'; they are r0 to r10 and w0 to w10"],
    ["r1 = 5\nr1 += w2", "2:7-9 a register of the same width is needed: r2"],
    ["goto nowhere", "1:6-13 'nowhere' is not defined"],
    ["r1 = sym", "1:6-9 the address of a symbol needs 64 bits: write 'll' after it"],
    ["r1 = *(u24 *)(r2 + 0)", "1:8-11 'u24' is no access size; u8, u16, u32 and u64 are, and s8, s16, s32"],
    ["if r1 ~ 2 goto +1", "1:7-8 '~' does not compare; ==, !=, <, <=, >, >=, s<, s<=, s>, s>= and & do"],
    ["frobnicate", "1:1-11 'frobnicate' begins no instruction"],
    [".frob 1", "1:1-6 unknown directive '.frob'"],
    ["a:\na:", "2:1-2 'a' is defined twice"],
    ['.ascii "abc', "1:8-9 string without end"],
    ["r1 = 1 2", "1:8-9 end of line expected, not '2'"],
    ["*(u32 *)(r1 + 99999) = r2", "1:13-14 99999 does not fit the 16-bit offset"],
  ];
  for (const [source, message] of cases) it(source, () => expect(text(source)).toBe(message));

  it("are all reported, each on its line", () => {
    const { diagnostics, lines } = assemble("r1 = 1\nbad\nr2 = 2\nworse\nexit");
    expect(diagnostics.map((d) => d.line)).toEqual([1, 3]);
    expect(lines.map((l) => [l.line, l.offBytes])).toEqual([
      [0, 0],
      [2, 8],
      [4, 16],
    ]);
  });
  it("fills repeat their element", () => {
    expect(text(".fill 5, 2, 0x102\n.fill 3\n.fill 2, 8, -2\n.fill 0, 4, 1\n.fill 7, 0, 1")).toBe(
      `${"0201".repeat(5)}000000${"feffffffffffffff".repeat(2)}`,
    );
    expect(text(`.fill 1000003, 1, 7`)).toBe("07".repeat(1000003));
  });
  it("of texts that would take all memory or time are messages too", () => {
    const message = (source: string): string => assemble(source).diagnostics[0].message;
    expect(message(`.long ${"(".repeat(50000)}1`)).toContain("nested too deeply");
    expect(message(`.long ${"-".repeat(50000)}1`)).toContain("nested too deeply");
    expect(message(".zero 0x10000000")).toContain("would be larger");
    const chain = Array.from({ length: 60 }, (_, i) => `.set a${i}, a${i + 1} + a${i + 1}`).join("\n");
    expect(message(`${chain}\n.set a60, 1\n.quad a0`)).toContain("too long a chain");
    expect(message(".set a, b\n.set b, a\n.quad a")).toContain("defined by itself");
  });
  it("never throw, whatever the bytes", () => {
    let seed = 1;
    const random = (n: number): number => (seed = (seed * 48271) % 2147483647) % n;
    const parts = [
      "r1",
      "w2",
      "=",
      "+=",
      "(",
      ")",
      "*",
      "u32",
      "goto",
      "if",
      "0x",
      "12",
      '"',
      "\\",
      ".section",
      ".long",
      ",",
      "-",
      ":",
      "l",
      "ll",
      "call",
      "\n",
      " ",
      ".",
      "s>",
      "1b",
      "#",
      "/*",
      "@",
      "\u{1f600}",
    ];
    for (let i = 0; i < 3000; i++)
      assemble(Array.from({ length: random(20) }, () => parts[random(parts.length)]).join(random(2) ? " " : ""));
  });
});

const PROGRAMS: Record<string, string> = {
  maps: `
    #define SEC(n) __attribute__((section(n), used))
    struct { int (*type)[2]; int *key; long *value; int (*max_entries)[4]; } m SEC(".maps");
    struct ctx { unsigned data, data_end, meta, ifindex; };
    static void *(*lookup)(void *, const void *) = (void *)1;
    const volatile int config = 3; int counter; static long hidden[4]; int start = 5;
    static __attribute__((noinline)) int scaled(int x) { return x * config + hidden[x & 3]; }
    __attribute__((noinline)) int visible(int x) { return x ? scaled(x) : start; }
    SEC("xdp") int first(struct ctx *c) { int k = 0; long *v = lookup(&m, &k); if (v) __sync_fetch_and_add(v, 1); counter++; return scaled(c->ifindex); }
    SEC("tc") int second(struct ctx *c) { hidden[c->meta & 3] = 1; return visible(c->data) + __builtin_bswap32(c->ifindex); }
    char _license[] SEC("license") = "GPL";`,
  flow: `
    #define SEC(n) __attribute__((section(n), used))
    static const char *const names[] = { "a", "bc", "def" };
    extern int outside(int) __attribute__((weak)); extern const int setting SEC(".ksyms");
    SEC("socket") int many(unsigned char *p) {
      int sum = 0;
      for (int i = 0; i < 100; i++) { switch (p[i]) { case 0: sum += 1; break; case 1: sum ^= i; break; case 7: sum -= p[i + 1]; break; case 9: return names[i & 1][0]; } }
      return sum + outside(sum) + (int)(long)&setting; }
    SEC("socket") long atomics(long *p, int *q) { long a = __sync_fetch_and_or(p, 4); __sync_fetch_and_xor(q, 1); return a + __sync_val_compare_and_swap(p, 1, 2) + __sync_lock_test_and_set(q, 3); }
    SEC("socket") long divide(unsigned long a, unsigned long b, int c) { return a / (b | 1) + (unsigned)c / 3u + a % 7u; }`,
};

const clang = spawnSync("clang-19", ["--version"]).status === 0;
describe.skipIf(!clang)("the object equals clang's", () => {
  for (const [name, source] of Object.entries(PROGRAMS)) {
    for (const flags of [["-mcpu=v3"], ["-mcpu=v3", "-g"], ["-mcpu=v4", "-g", "-O1"]]) {
      it(`${name} ${flags.join(" ")}`, () => {
        const dir = mkdtempSync(join(tmpdir(), "beeline-asm-"));
        try {
          const target = ["--target=bpf", flags[0]];
          writeFileSync(join(dir, "a.c"), source);
          execFileSync("clang-19", [...target, "-O2", ...flags, "-w", "-S", "a.c", "-o", "a.s"], { cwd: dir });
          execFileSync("clang-19", [...target, "-c", "a.s", "-o", "a.o"], { cwd: dir });
          const { object, diagnostics } = assemble(readFileSync(join(dir, "a.s"), "utf8"));
          expect(diagnostics).toEqual([]);
          expect(viewObject(object!)).toEqual(viewObject(readFileSync(join(dir, "a.o"))));
        } finally {
          rmSync(dir, { recursive: true });
        }
      });
    }
  }
});

it("writes big-endian objects too", () => {
  const { object } = assemble("r1 = 258\n*(u32 *)(r10 - 4) = r1", { littleEndian: false });
  expect(bytesToHex(object!.subarray(64, 80))).toBe("b71000000000010263a1fffc00000000");
});

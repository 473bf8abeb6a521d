// Our own headers: with a bare clang and a vmlinux.h of ours, programs that use them compile, load, and find their kernel types.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { dumpC, loadObject } from "../../core/object/index.ts";
import { helperDefsHeader } from "../../server/src/toolchain/helper-defs.ts";
import { compileC, findClang } from "../../server/src/toolchain/index.ts";
import { kernelBtf } from "../object/fixtures.ts";

const headersDir = join(import.meta.dirname, "../../assets/headers");
const SOURCE = `#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
char LICENSE[] SEC("license") = "GPL";
struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 10); __type(key, u32); __type(value, u64); } counts SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_BLOOM_FILTER); __uint(max_entries, 10); __ulong(map_extra, 3); __type(value, u64); } bloom SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_PROG_ARRAY); __uint(max_entries, 10); __uint(key_size, 4); __uint(value_size, 4); } jumps SEC(".maps");
SEC("fentry/bpf_fentry_test2") int BPF_PROG(entered, int a, u64 b) {
  struct task_struct *task = (void *)bpf_get_current_task();
  char comm[16];
  int i, sum = 0, *v;
  BPF_CORE_READ_STR_INTO(&comm, task, group_leader, comm);
  bpf_printk("none"); bpf_printk("%d %d %d %d %d", a, (int)b, 1, 2, 3);
  bpf_for(i, 0, 10) sum += i;
  bpf_for_each(num, v, 0, 4) sum += *v;
  bpf_repeat(3) sum++;
  return bpf_core_field_exists(task->pid) + bpf_core_type_exists(struct mm_struct) + BPF_CORE_READ(task, real_parent, tgid) + sum;
}
struct two { u64 x; u32 y; };
SEC("fentry/bpf_fentry_test3") int BPF_PROG2(by_value, struct two, t, char, c, struct task_struct *, p) {
  switch (c) { case (char)__bpf_constant_htons(7): return 1; }
  return t.x + t.y + c + p->pid;
}
SEC("kprobe/do_unlinkat") int BPF_KPROBE(unlink, int dfd, struct filename *name) { return dfd + (long)BPF_CORE_READ(name, name); }
SEC("kretprobe/do_unlinkat") int BPF_KRETPROBE(unlinked, long ret) { return ret; }
SEC("ksyscall/openat") int BPF_KSYSCALL(openat, int dfd, const char *path, int flags, int mode) { return dfd + flags + mode; }
SEC("xdp") int count(struct xdp_md *ctx) {
  u32 key = bpf_htons(1);
  u64 *v = bpf_map_lookup_elem(&counts, &key);
  if (v) *v += 1;
  bpf_tail_call_static(ctx, &jumps, 3);
  return XDP_PASS;
}
`;

test("bpf_helper_defs.h is what the catalog says; after a change run: node scripts/helper-defs.mjs", () => {
  expect(readFileSync(join(headersDir, "bpf/bpf_helper_defs.h"), "utf8")).toBe(helperDefsHeader());
});

describe.skipIf(!(await findClang()).clang)("with clang", () => {
  test("programs of several kinds compile without a warning, and load", async () => {
    const dir = mkdtempSync(join(tmpdir(), "beeline-headers-"));
    try {
      const settings = {
        workspaceRoots: [dir],
        cacheDir: dir,
        headersDir,
        extraFlags: ["-nostdinc", "-Wall", "-Werror"],
        vmlinux: { key: "bundled", text: () => dumpC(kernelBtf()) },
      };
      const r = await compileC({ file: join(dir, "all.bpf.c"), text: SOURCE, settings });
      expect(r.diagnostics).toEqual([]);
      const spec = loadObject(r.ok ? r.object : new Uint8Array(0), { kernelBtf: kernelBtf(), fileName: "all.bpf.c" });
      expect(spec.programs.map((p) => [p.name, p.error, p.attachTo])).toEqual([
        ["entered", undefined, "bpf_fentry_test2"],
        ["by_value", undefined, "bpf_fentry_test3"],
        ["unlink", undefined, "do_unlinkat"],
        ["unlinked", undefined, "do_unlinkat"],
        ["openat", undefined, "openat"],
        ["count", undefined, undefined],
      ]);
      expect(spec.maps.find((m) => m.name === "bloom")?.mapExtra).toBe(3n);
      // The struct is in the first two places of the context, what follows behind them.
      const reads = spec.programs[1]!.insns.filter((i) => i.code === 0x79 && i.src === 1).map((i) => i.off);
      expect(reads.sort((a, b) => a - b)).toEqual([0, 8, 16, 24]);
      // Five kfuncs of the number iterator, called by their kernel ids.
      expect(spec.programs[0]!.insns.filter((i) => i.code === 0x85 && i.src === 2 && i.imm > 0).length).toBeGreaterThanOrEqual(9);
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  });
});

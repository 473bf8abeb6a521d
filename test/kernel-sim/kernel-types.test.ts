// What programs see through typed pointers: files, packets, maps and congestion control, laid out as the kernel's BTF says.
import { describe, expect, it } from "vitest";
import { parseEvent, type SimKernel } from "../../core/kernel/index.ts";
import { StructOpsMap } from "../../core/kernel/maps/struct-ops.ts";
import { specialFields } from "../../core/kernel/maps/special-fields.ts";
import { KFUNC_IMPLS } from "../../core/kernel/kfuncs/index.ts";
import { KERNEL_HI } from "../../core/vm/index.ts";
import { BEGIN, END, keep, OUT, stack, TCP4, fill } from "./cases/parts.ts";
import { kept, kernelWith, load, resultOf, runOn } from "./simulate.ts";
import { specOf } from "../verifier/checks/program.ts";
import { testBtf } from "../verifier/checks/btf.ts";

const PACKET = Uint8Array.from(Buffer.from(TCP4, "hex"));
const word = (text: string): bigint => Buffer.from(text.padEnd(8, "\0")).readBigInt64LE();
const types = kernelWith().objects.store.types;
/** Offset of a member, also one inside an anonymous union. */
const at = (struct: string, member: string): number => types.slot(struct, member)!.off;
const values = (kernel: SimKernel, program: ReturnType<typeof load>, n: number): bigint[] =>
  Array.from({ length: n }, (_, i) => kept(kernel, program, i));

describe("files", () => {
  it("have inodes, paths and a storage of their own", () => {
    const kernel = kernelWith();
    const inode = "r1 = *(u64 *)(r8 + koff file.f_inode)";
    const text = `${BEGIN}; r8 = *(u64 *)(r7 + 0); ${inode}; r0 = *(u64 *)(r1 + koff inode.i_ino); ${keep(0)}; ${fill(64, 0, 0)}; r1 = r8; r1 += ${at("file", "f_path")}; ${stack(2, 64)}; r3 = 16; call bpf_d_path; ${keep(1)}; r0 = *(u64 *)(r10 - 64); ${keep(2)}; r2 = *(u64 *)(r8 + koff file.f_inode); r1 = map 1; r3 = 0; r4 = 1; call bpf_inode_storage_get; if r0 == 0 goto out; r1 = *(u64 *)(r0 + 0); r1 += 1; *(u64 *)(r0 + 0) = r1; r0 = r1; ${keep(3)}; out: ${END}`;
    const program = load(
      kernel,
      {
        type: "lsm",
        attach: 27,
        target: "bpf_lsm_file_open",
        maps: [OUT, { type: 28, key: 4, size: 8, entries: 0, flags: 1, value: "plain" }],
      },
      text,
    );
    const open = (path: string): bigint[] => {
      runOn(kernel, program, parseEvent(`lsm:file_open arg0="file:${path}"`));
      return values(kernel, program, 4);
    };
    const [ino, length, path, count] = open("/etc/hi");
    expect([length, path, count]).toEqual([8n, word("/etc/hi"), 1n]);
    expect(open("/etc/hi")).toEqual([ino, 8n, word("/etc/hi"), 2n]);
    expect(open("/etc/a_file_of_a_long_name").slice(1)).toEqual([-36n, 0n, 1n]);
  });
  it("are named by events, and what is not there is an error", () => {
    const kernel = kernelWith();
    const program = load(kernel, { type: "raw_tracepoint" }, END);
    expect(() => runOn(kernel, program, parseEvent('raw_tp arg0="task:99"'))).toThrow("no task 99");
    expect(() => runOn(kernel, program, parseEvent('raw_tp arg0="socket:99"'))).toThrow("no socket 99");
    expect(() => runOn(kernel, program, parseEvent('raw_tp arg0="cgroup:x"'))).toThrow("no id");
  });
});

describe("packets", () => {
  it("are the kernel's own structures behind the context", () => {
    const kernel = kernelWith();
    const skb = load(
      kernel,
      { type: "sched_cls", maps: [OUT] },
      `${BEGIN}; r1 = r7; kcall bpf_cast_to_kern_ctx; r8 = r0; r0 = *(u32 *)(r8 + koff sk_buff.len); ${keep(0)}; ${END}`,
    );
    resultOf(kernel, skb, PACKET);
    expect(kept(kernel, skb, 0)).toBe(62n);
    const xdp = load(
      kernel,
      { type: "xdp", maps: [OUT] },
      `${BEGIN}; r1 = r7; kcall bpf_cast_to_kern_ctx; r8 = r0; r0 = *(u32 *)(r8 + ${at("xdp_buff", "frame_sz")}); ${keep(0)}; r1 = *(u64 *)(r8 + ${at("xdp_buff", "data")}); r2 = *(u64 *)(r8 + ${at("xdp_buff", "data_end")}); r2 -= r1; r0 = r2; ${keep(1)}; ${END}`,
    );
    resultOf(kernel, xdp, PACKET);
    expect(values(kernel, xdp, 2)).toEqual([4096n, 62n]);
  });
  it("reach programs of devmaps and cpumaps as events, which a test run refuses", () => {
    const kernel = kernelWith();
    const program = load(kernel, { type: "xdp", attach: 35 }, "r0 = 2; exit");
    expect(() => resultOf(kernel, program, PACKET)).toThrow("errno 22");
    expect(runOn(kernel, program, { packet: PACKET }).result).toBe(2);
  });
  it("carry what the device found out about them", () => {
    const kernel = kernelWith();
    const program = load(kernel, { type: "xdp" }, END);
    const call = (name: string, meta: object): bigint[] => {
      runOn(kernel, program, { packet: PACKET });
      kernel.run.hook = { rxMetadata: meta };
      const out = kernel.memory.alloc("scratch", "out", 16).start;
      kernel.machine.setReg(2, out, KERNEL_HI);
      kernel.machine.setReg(3, out + 8, KERNEL_HI);
      KFUNC_IMPLS[name]!(kernel, kernel.machine);
      return [
        BigInt.asIntN(32, kernel.machine.u64(0)),
        kernel.memory.view.getBigUint64(out, true),
        kernel.memory.view.getBigUint64(out + 8, true),
      ];
    };
    expect(call("bpf_xdp_metadata_rx_hash", { hash: 7, hashType: 2 })).toEqual([0n, 7n, 2n]);
    expect(call("bpf_xdp_metadata_rx_timestamp", { timestamp: 99n })).toEqual([0n, 99n, 0n]);
    expect(call("bpf_xdp_metadata_rx_vlan_tag", { vlanTci: 5, vlanProto: 0x8100 })).toEqual([0n, 0x81n, 5n]);
    expect(call("bpf_xdp_metadata_rx_vlan_tag", {})[0]).toBe(-61n);
  });
});

describe("maps", () => {
  it("show type, sizes and id", () => {
    const kernel = kernelWith();
    const fields = ["map_type", "key_size", "value_size", "max_entries", "id"];
    const text = fields.map((f, i) => `r1 = map 1; r0 = *(u32 *)(r1 + koff bpf_map.${f}); ${keep(i)}`).join("; ");
    const program = load(kernel, { type: "sched_cls", maps: [OUT, { type: 1, key: 4, size: 8, entries: 9 }] }, `${BEGIN}; ${text}; ${END}`);
    resultOf(kernel, program, PACKET);
    expect(values(kernel, program, 5)).toEqual([1n, 4n, 8n, 9n, BigInt(program.maps[1]!.id)]);
  });
  it("know where locks, timers and pointers lie", () => {
    const fields = (value: string, size: number): unknown =>
      specialFields(specOf({ type: 2, key: 4, size, entries: 1, value }, 0), testBtf());
    expect(fields("locked", 8)).toEqual([{ off: 0, size: 4, isLock: true }]);
    expect(fields("timed", 24)).toEqual([{ off: 8, size: 16, isLock: false }]);
    expect(fields("held", 32)).toEqual([0, 8, 16, 24].map((off) => ({ off, size: 8, isLock: false })));
    expect(fields("plain", 8)).toEqual([]);
  });
  it("keep a lock when user space writes the element, and hide it", () => {
    const kernel = kernelWith();
    const program = load(kernel, { type: "sched_cls", maps: [OUT, { type: 2, key: 4, size: 8, entries: 1, value: "locked" }] }, END);
    const map = program.maps[1]!;
    const lock = map.entries()[0]!.valueAt;
    kernel.memory.view.setUint32(lock, 1, true);
    expect(map.sysUpdate(new Uint8Array(4), Uint8Array.of(9, 9, 9, 9, 5, 0, 0, 0), 0)).toBe(0);
    expect([kernel.memory.view.getUint32(lock, true), map.sysLookup(new Uint8Array(4))]).toEqual([
      1,
      Uint8Array.of(0, 0, 0, 0, 5, 0, 0, 0),
    ]);
  });
  it("of struct_ops go from new to registered to gone", () => {
    const kernel = kernelWith();
    const spec = {
      name: "ops",
      type: 26,
      keySize: 4,
      valueSize: 16,
      maxEntries: 1,
      flags: 0,
      mapExtra: 0n,
      btfKeyTypeId: 0,
      btfValueTypeId: 0,
      structOps: "tcp_congestion_ops",
    };
    const map = kernel.mapByFd(kernel.createMap(spec))! as StructOpsMap;
    const [key, other] = [new Uint8Array(4), Uint8Array.of(1, 0, 0, 0)];
    const value = Uint8Array.from({ length: 16 }, (_, i) => (i < 8 ? 0 : i));
    expect([map.sysDelete(key), map.sysLookup(key), map.sysLookup(other)]).toEqual([-2, new Uint8Array(16), -2]);
    expect([map.sysUpdate(other, value, 0), map.sysUpdate(key, new Uint8Array(16).fill(1), 0), map.sysUpdate(key, value, 1)]).toEqual([
      -7, -22, -22,
    ]);
    expect([map.sysUpdate(key, value, 0), map.registered, map.sysUpdate(key, value, 0)]).toEqual([0, true, -16]);
    expect((map.sysLookup(key) as Uint8Array)[4]).toBe(1);
    expect([map.sysDelete(key), map.registered, map.sysDelete(key)]).toEqual([0, false, -115]);
    expect([map.nextKey(undefined), map.nextKey(key)]).toEqual([new Uint8Array(4), -2]);
  });
});

describe("congestion control", () => {
  it("of Reno starts slowly, then grows by one a window", () => {
    const kernel = kernelWith();
    const socket = kernel.objects.sockets.add({ state: 1 });
    socket.setTcpField("snd_ssthresh", 14);
    const call = (name: string, ...args: number[]): number => {
      kernel.machine.setReg(1, socket.view.start, KERNEL_HI);
      args.forEach((a, i) => kernel.machine.setReg(i + 2, a, 0));
      KFUNC_IMPLS[name]!(kernel, kernel.machine);
      return kernel.machine.u32(0);
    };
    expect([call("tcp_slow_start", 3), socket.tcpField("snd_cwnd")]).toEqual([0, 13]);
    expect([call("tcp_slow_start", 3), socket.tcpField("snd_cwnd")]).toEqual([2, 14]);
    for (let i = 0; i < 14; i++) call("tcp_reno_cong_avoid", 0, 1);
    expect(socket.tcpField("snd_cwnd")).toBe(15);
    expect([call("tcp_reno_ssthresh"), call("tcp_reno_undo_cwnd")]).toEqual([7, 15]);
  });
});

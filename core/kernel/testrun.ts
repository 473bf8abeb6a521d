// BPF_PROG_TEST_RUN: builds the context of a program's type, runs, gives back what the system call would (net/bpf/test_run.c, 6.18). It attaches nothing.
import { PROG_TYPE as T, ATTACH_TYPE as AT } from "../catalog/index.ts";
import type { Stop } from "../vm/index.ts";
import { Packet } from "./contexts/packet.ts";
import { SkBuff, SkbContext, SK_BUFF_BYTES } from "./contexts/skb.ts";
import { SHARED_INFO, XDP_FRAME, XDP_FRAME_STRUCT, XDP_HEADROOM, XdpContext } from "./contexts/xdp.ts";
import { E2BIG, EINVAL, ENODEV, ENOTSUPP } from "./errno.ts";
import type { LoadedProgram, SimKernel } from "./kernel.ts";
import { RunState } from "./run-state.ts";
import { prepareFlowDissector, prepareNetfilter, prepareSkLookup } from "./testrun-more.ts";
import { failed, retvalOf, type PreparedRun, type TestRunInput, type TestRunResult } from "./testrun-types.ts";
export type { PreparedRun, TestRunInput, TestRunResult } from "./testrun-types.ts";

const ETH_HLEN = 14,
  PAGE = 4096,
  SKB_HEADROOM = 64;

/** Runs `program` once or `repeat` times as the system call does. */
export function testRun(kernel: SimKernel, program: LoadedProgram, input: TestRunInput): TestRunResult {
  const prepared = prepareRun(kernel, program, input);
  if ("err" in prepared) return prepared;
  let stop: Stop | undefined;
  for (let i = 0; i < Math.max(1, input.repeat ?? 1); i++) {
    kernel.begin(program, prepared.state);
    stop = kernel.finish();
    if (stop.kind === "trap") break;
  }
  return prepared.finish(stop!);
}

/** Checks the input and builds context and packet; the answer of the call when it is refused. */
export function prepareRun(kernel: SimKernel, program: LoadedProgram, input: TestRunInput): PreparedRun | TestRunResult {
  switch (program.spec.type) {
    case T.XDP:
      return prepareXdp(kernel, program, input);
    case T.SOCKET_FILTER:
    case T.SCHED_CLS:
    case T.SCHED_ACT:
    case T.CGROUP_SKB:
    case T.LWT_IN:
    case T.LWT_OUT:
    case T.LWT_XMIT:
    case T.LWT_SEG6LOCAL:
      return prepareSkb(kernel, program, input);
    case T.SYSCALL:
    case T.RAW_TRACEPOINT:
      return prepareBuffer(kernel, program, input);
    case T.SK_LOOKUP:
      return prepareSkLookup(kernel, program, input);
    case T.FLOW_DISSECTOR:
      return prepareFlowDissector(kernel, program, input);
    case T.NETFILTER:
      return prepareNetfilter(kernel, program, input);
    default:
      return failed(ENOTSUPP);
  }
}

/** A context buffer of `size` zeros with the user's bytes; a negative errno when more is not zero than fits (bpf_ctx_init). */
function contextBuffer(ctx: Uint8Array, size: number): Uint8Array | number {
  if (ctx.subarray(size).some((b) => b !== 0)) return -E2BIG;
  const out = new Uint8Array(size);
  out.set(ctx.subarray(0, size));
  return out;
}

function prepareXdp(kernel: SimKernel, program: LoadedProgram, input: TestRunInput): PreparedRun | TestRunResult {
  const attach = program.spec.expectedAttachType;
  const data = input.data ?? new Uint8Array(0);
  const onMap = attach === AT.XDP_DEVMAP || attach === AT.XDP_CPUMAP;
  if ((onMap && !input.attached) || (input.flags ?? 0) !== 0) return failed(EINVAL);
  let md: Uint8Array | undefined;
  let meta = 0,
    linear = data.length,
    ifindex = 1,
    queue = 0;
  if (input.ctx) {
    const buffer = contextBuffer(input.ctx, 24);
    if (typeof buffer === "number") return failed(-buffer);
    md = buffer;
    const v = new DataView(md.buffer);
    const at = (off: number): number => v.getUint32(off, true);
    if (at(8) || at(4) > data.length || at(0) > at(4)) return failed(EINVAL);
    meta = at(0);
    linear = at(4);
    if (meta % 4 || meta > 252 || meta > XDP_HEADROOM - XDP_FRAME_STRUCT) return failed(EINVAL);
    if (at(20) || (!at(12) && at(16))) return failed(EINVAL);
    if (at(12) && !kernel.hardware.nic(at(12))) return failed(ENODEV);
    if (at(12) && at(16) >= kernel.hardware.nic(at(12))!.queues) return failed(EINVAL);
    if (at(12)) [ifindex, queue] = [at(12), at(16)];
  }
  linear = Math.min(linear, XDP_FRAME - (XDP_HEADROOM - meta) - SHARED_INFO);
  if (data.length - meta < ETH_HLEN) return failed(EINVAL);
  const packet = new Packet(kernel.memory, data.subarray(0, linear), {
    head: XDP_HEADROOM - meta,
    tail: XDP_FRAME - XDP_HEADROOM + meta - linear,
  });
  packet.data += meta;
  packet.sync();
  const context = new XdpContext(kernel.memory, packet, { ifindex, queue });
  context.setFragments(data.subarray(linear));
  const state = Object.assign(new RunState(), {
    ctx: context,
    ctxAt: context.region.start,
    xdp: context,
    ...(input.task ? { task: input.task } : {}),
  });
  return {
    state,
    finish: (stop) => {
      const meta = kernel.memory.read(packet.meta, packet.data - packet.meta);
      const dataOut = concat(meta, context.bytes());
      if (md) {
        const v = new DataView(md.buffer);
        v.setUint32(0, packet.data - packet.meta, true);
        v.setUint32(4, packet.end - packet.meta, true);
      }
      for (const region of [packet.region, context.region, context.fragments]) if (region) kernel.memory.free(region);
      return { err: 0, stop, retval: retvalOf(stop), dataOut, ...(md ? { ctxOut: md } : {}) };
    },
  };
}

function concat(a: Uint8Array, b: Uint8Array): Uint8Array {
  if (b.length === 0) return a;
  const out = new Uint8Array(a.length + b.length);
  out.set(a);
  out.set(b, a.length);
  return out;
}

/** Ranges of struct __sk_buff that a caller may set; all others must be zero (convert___skb_to_skb). */
const SETTABLE: readonly (readonly [number, number])[] = [
  [8, 12],
  [32, 44],
  [48, 68],
  [80, 84],
  [152, 168],
  [176, 180],
  [184, 192],
];

function skbContextBad(ctx: Uint8Array, skb: SkBuff): boolean {
  for (let i = 0; i < SK_BUFF_BYTES; i++) if (ctx[i] && !SETTABLE.some(([a, b]) => i >= a && i < b)) return true;
  const v = new DataView(ctx.buffer, ctx.byteOffset, ctx.byteLength);
  const u32 = (off: number): number => v.getUint32(off, true);
  skb.mark = u32(8);
  skb.priority = u32(32);
  skb.ingressIfindex = u32(36);
  for (let i = 0; i < 5; i++) skb.cb[i] = u32(48 + 4 * i);
  skb.tstamp = v.getBigInt64(152, true);
  if (u32(160)) {
    if (u32(160) < skb.length || u32(160) > 65536) return true;
    skb.pktLen = u32(160);
  }
  if (u32(164) > 65535) return true;
  skb.gsoSegs = u32(164);
  skb.gsoSize = u32(176);
  skb.hwtstamp = v.getBigUint64(184, true);
  return false;
}

function prepareSkb(kernel: SimKernel, program: LoadedProgram, input: TestRunInput): PreparedRun | TestRunResult {
  const data = input.data ?? new Uint8Array(0);
  const isL2 = program.spec.type === T.SCHED_CLS || program.spec.type === T.SCHED_ACT;
  if ((input.flags ?? 0) & ~4 || input.cpu || data.length < ETH_HLEN) return failed(EINVAL);
  if (data.length > PAGE - SKB_HEADROOM - SHARED_INFO) return failed(EINVAL);
  let md: Uint8Array | undefined;
  if (input.ctx) {
    const buffer = contextBuffer(input.ctx, SK_BUFF_BYTES);
    if (typeof buffer === "number") return failed(-buffer);
    md = buffer;
  }
  const packet = new Packet(kernel.memory, data, { head: SKB_HEADROOM, tail: PAGE - SKB_HEADROOM - data.length });
  const skb = new SkBuff(packet);
  const u32 = (off: number): number => (md ? new DataView(md.buffer).getUint32(off, true) : 0);
  skb.ifindex = u32(40) > 1 ? u32(40) : 1;
  const context = new SkbContext(kernel.memory, skb);
  const done = (errno: number): TestRunResult => {
    kernel.memory.free(packet.region);
    kernel.memory.free(context.region);
    return failed(errno);
  };
  if (!kernel.hardware.nic(skb.ifindex)) return done(ENODEV);
  const error = parseEthernet(kernel, skb, data);
  if (error) return done(error);
  if (!isL2) packet.data = packet.meta = packet.data + ETH_HLEN;
  skb.pktLen = skb.length;
  if (md && skbContextBad(md, skb)) return done(EINVAL);
  packet.sync();
  const state = Object.assign(new RunState(), {
    ctx: context,
    ctxAt: context.region.start,
    skb,
    ...(input.task ? { task: input.task } : {}),
  });
  return { state, finish: (stop) => finishSkb(kernel, { skb, context, isL2, md }, stop) };
}

const NO_ADDRESS = new Uint8Array(4);
/** What eth_type_trans and the test run find in the first header; an errno when the packet is too short for its protocol. */
function parseEthernet(kernel: SimKernel, skb: SkBuff, data: Uint8Array): number {
  skb.macHeader = skb.packet.data;
  skb.networkHeader = skb.packet.data + ETH_HLEN;
  const type = (data[12]! << 8) | data[13]!;
  const ethertype = type >= 0x600 ? type : data[14] === 0xff && data[15] === 0xff ? 1 : 4;
  skb.protocol = ((ethertype & 255) << 8) | (ethertype >> 8);
  skb.pktType = destinationType(data);
  const v = new DataView(data.buffer, data.byteOffset, data.byteLength);
  if (ethertype === 0x0800) {
    if (data.length < ETH_HLEN + 20) return EINVAL;
    skb.sock = { ...skb.sock, family: 2, localIp4: v.getUint32(26, true), remoteIp4: v.getUint32(30, true) };
    skb.sk = kernel.objects.sockets.detached(2, data.subarray(26, 30), data.subarray(30, 34)).view.start;
    return 0;
  }
  if (ethertype === 0x86dd) {
    if (data.length < ETH_HLEN + 40) return EINVAL;
    const ip6 = (off: number): number[] => [0, 4, 8, 12].map((i) => v.getUint32(off + i, true));
    skb.sock = { ...skb.sock, family: 10, localIp6: ip6(22), remoteIp6: ip6(38) };
    skb.sk = kernel.objects.sockets.detached(10, data.subarray(22, 38), data.subarray(38, 54)).view.start;
    return 0;
  }
  skb.sk = kernel.objects.sockets.detached(0, NO_ADDRESS, NO_ADDRESS).view.start;
  return 0;
}

/** PACKET_HOST, _BROADCAST, _MULTICAST or _OTHERHOST, as the loopback device with its zero address sees the destination. */
function destinationType(data: Uint8Array): number {
  const mac = data.subarray(0, 6);
  if (mac.every((b) => b === 0)) return 0;
  if (mac.every((b) => b === 255)) return 1;
  return mac[0]! & 1 ? 2 : 3;
}

function finishSkb(
  kernel: SimKernel,
  run: { skb: SkBuff; context: SkbContext; isL2: boolean; md: Uint8Array | undefined },
  stop: Stop,
): TestRunResult {
  const { skb, isL2, md } = run;
  const { packet } = skb;
  const body = packet.bytes();
  const dataOut = isL2 ? body : concat(new Uint8Array(ETH_HLEN), body);
  if (md) {
    const v = new DataView(md.buffer);
    v.setUint32(8, skb.mark, true);
    v.setUint32(32, skb.priority, true);
    v.setUint32(36, skb.ingressIfindex, true);
    v.setUint32(40, skb.ifindex, true);
    for (let i = 0; i < 5; i++) v.setInt32(48 + 4 * i, skb.cb[i]!, true);
    v.setBigInt64(152, BigInt.asIntN(64, skb.tstamp), true);
    v.setUint32(160, skb.pktLen, true);
    v.setUint32(164, skb.gsoSegs, true);
    v.setBigUint64(184, skb.hwtstamp, true);
  }
  kernel.memory.free(packet.region);
  kernel.memory.free(run.context.region);
  return { err: 0, stop, retval: retvalOf(stop), dataOut, ...(md ? { ctxOut: md } : {}) };
}

/** Types whose context is a plain buffer: syscall programs and raw tracepoints. */
function prepareBuffer(kernel: SimKernel, program: LoadedProgram, input: TestRunInput): PreparedRun | TestRunResult {
  const isSyscall = program.spec.type === T.SYSCALL;
  if (input.data || input.repeat) return failed(EINVAL);
  const ctx = input.ctx ?? new Uint8Array(0);
  if (isSyscall ? ctx.length > 65535 || input.flags || input.cpu : ctx.length > 96) return failed(EINVAL);
  const region = kernel.memory.alloc("ctx", isSyscall ? "context" : "bpf_raw_tracepoint_args", ctx.length, { writable: isSyscall });
  kernel.memory.write(region.start, ctx);
  const state = Object.assign(new RunState(), { ctxAt: ctx.length ? region.start : 0, ...(input.task ? { task: input.task } : {}) });
  return {
    state,
    finish: (stop) => {
      const out = kernel.memory.read(region.start, ctx.length);
      kernel.memory.free(region);
      return { err: 0, stop, retval: retvalOf(stop), ...(isSyscall ? { ctxOut: out } : {}) };
    },
  };
}

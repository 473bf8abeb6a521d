// Test runs of socket look-up programs, flow dissectors and netfilter programs (net/bpf/test_run.c, 6.18). It attaches nothing.
import type { Region } from "../vm/index.ts";
import { hookState, kernelSkb } from "./contexts/kernel-context.ts";
import { Packet } from "./contexts/packet.ts";
import { SkBuff, SkbContext } from "./contexts/skb.ts";
import { E2BIG, EAFNOSUPPORT, EINVAL, ERANGE } from "./errno.ts";
import type { LoadedProgram, SimKernel } from "./kernel.ts";
import { addressOf } from "./objects/index.ts";
import { RunState } from "./run-state.ts";
import { failed, retvalOf, type PreparedRun, type TestRunInput, type TestRunResult } from "./testrun-types.ts";

/** sizeof(struct bpf_sk_lookup) as user space has it, and its members. */
const LOOKUP_BYTES = 72,
  LOOKUP = { cookie: 0, family: 8, protocol: 12, remotePort: 36, zero: 38, localPort: 60, ifindex: 64, end: 68 } as const;
const SK_PASS = 1;
const AF_INET = 2,
  AF_INET6 = 10;

export function prepareSkLookup(kernel: SimKernel, _program: LoadedProgram, input: TestRunInput): PreparedRun | TestRunResult {
  if (input.flags || input.cpu || input.data?.length || !input.ctx) return failed(EINVAL);
  if (input.ctx.subarray(LOOKUP_BYTES).some((b) => b !== 0)) return failed(E2BIG);
  const ctx = new Uint8Array(LOOKUP_BYTES);
  ctx.set(input.ctx.subarray(0, LOOKUP_BYTES));
  const view = new DataView(ctx.buffer);
  if (view.getBigUint64(LOOKUP.cookie, true) || ctx.subarray(LOOKUP.end).some((b) => b !== 0)) return failed(EINVAL);
  if (view.getUint32(LOOKUP.localPort, true) > 0xffff) return failed(ERANGE);
  const family = view.getUint32(LOOKUP.family, true);
  if (family !== AF_INET && family !== AF_INET6) return failed(EAFNOSUPPORT);
  const region = kernel.memory.alloc("ctx", "bpf_sk_lookup", LOOKUP_BYTES);
  kernel.memory.write(region.start, ctx);
  // Addresses of the other family are not shown.
  for (const [from, to] of family === AF_INET
    ? [
        [20, 36],
        [44, 60],
      ]
    : [
        [16, 20],
        [40, 44],
      ])
    kernel.memory.write(region.start + from!, new Uint8Array(to! - from!));
  const socket = kernel.objects.sockets.add({ family, protocol: view.getUint32(LOOKUP.protocol, true) });
  kernel.objects.sockets.remove(socket);
  const state = Object.assign(new RunState(), { ctxAt: region.start, socket, ...(input.task ? { task: input.task } : {}) });
  return {
    state,
    finish: (stop) => {
      const { chosen } = state === kernel.run ? kernel.run.hook : state.hook;
      view.setBigUint64(LOOKUP.cookie, chosen?.cookie ?? 0n, true);
      kernel.memory.free(region);
      return { err: 0, stop, retval: chosen ? SK_PASS : retvalOf(stop), ctxOut: ctx };
    },
  };
}

/** sizeof(struct bpf_flow_keys) and its members. */
const KEYS_BYTES = 56,
  KEYS = { nhoff: 0, thoff: 2, proto: 10, flags: 48 } as const;
const ETH_HLEN = 14;

export function prepareFlowDissector(kernel: SimKernel, _program: LoadedProgram, input: TestRunInput): PreparedRun | TestRunResult {
  const data = input.data ?? new Uint8Array(0);
  if (input.flags || input.cpu || data.length < ETH_HLEN) return failed(EINVAL);
  let flags = 0;
  if (input.ctx) {
    const all = new Uint8Array(KEYS_BYTES);
    all.set(input.ctx.subarray(0, KEYS_BYTES));
    if (input.ctx.subarray(KEYS_BYTES).some((b) => b !== 0)) return failed(E2BIG);
    flags = new DataView(all.buffer).getUint32(KEYS.flags, true);
    if (all.some((b, i) => b !== 0 && (i < KEYS.flags || i >= KEYS.flags + 4))) return failed(EINVAL);
  }
  const packet = new Packet(kernel.memory, data, { head: 0, tail: 0 });
  const skb = new SkBuff(packet);
  const keys = kernel.memory.alloc("ctx", "bpf_flow_keys", KEYS_BYTES);
  const { view } = kernel.memory;
  view.setUint16(keys.start + KEYS.nhoff, ETH_HLEN, true);
  view.setUint16(keys.start + KEYS.thoff, ETH_HLEN, true);
  view.setUint16(keys.start + KEYS.proto, data[12]! | (data[13]! << 8), true);
  view.setUint32(keys.start + KEYS.flags, flags, true);
  skb.flowKeys = keys.start;
  const context = new SkbContext(kernel.memory, skb);
  const state = Object.assign(new RunState(), {
    ctx: context,
    ctxAt: context.region.start,
    skb,
    ...(input.task ? { task: input.task } : {}),
  });
  return {
    state,
    finish: (stop) => {
      const dataOut = keysOut(kernel, keys, data.length);
      for (const region of [packet.region, context.region, keys]) kernel.memory.free(region);
      return { err: 0, stop, retval: retvalOf(stop), dataOut, ...(input.ctx ? { ctxOut: input.ctx } : {}) };
    },
  };
}
/** The keys with their offsets brought into the packet (bpf_flow_dissect). */
function keysOut(kernel: SimKernel, keys: Region, length: number): Uint8Array {
  const out = kernel.memory.read(keys.start, KEYS_BYTES);
  const view = new DataView(out.buffer);
  const clamp = (n: number, least: number): number => Math.min(Math.max(n, least), length);
  const network = clamp(view.getUint16(KEYS.nhoff, true), ETH_HLEN);
  view.setUint16(KEYS.nhoff, network, true);
  view.setUint16(KEYS.thoff, clamp(view.getUint16(KEYS.thoff, true), network), true);
  return out;
}

const IPV4_BYTES = 20;
const NFPROTO_IPV4 = 2,
  NF_INET_LOCAL_OUT = 3;
/** A netfilter program on bytes from the network header on; its context holds two pointers. */
export function prepareNetfilter(kernel: SimKernel, _program: LoadedProgram, input: TestRunInput): PreparedRun | TestRunResult {
  const data = input.data ?? new Uint8Array(0);
  if (input.flags || input.cpu || data.length < IPV4_BYTES) return failed(EINVAL);
  let family = NFPROTO_IPV4,
    hook = NF_INET_LOCAL_OUT;
  if (input.ctx) {
    // Of struct nf_hook_state, the first two bytes: hook and family.
    [hook, family] = [input.ctx[0] ?? 0, input.ctx[1] ?? 0];
    if (input.ctx.subarray(2).some((b) => b !== 0) || family !== NFPROTO_IPV4) return failed(EINVAL);
  }
  const packet = new Packet(kernel.memory, data, { head: 64, tail: 320 });
  const skb = new SkBuff(packet);
  const region = kernel.memory.alloc("ctx", "bpf_nf_ctx", 16, { writable: false });
  const { view } = kernel.memory;
  const state = Object.assign(new RunState(), { ctxAt: region.start, skb, ...(input.task ? { task: input.task } : {}) });
  view.setBigUint64(region.start, addressOf(hookState(kernel, state, family, hook).start), true);
  view.setBigUint64(region.start + 8, addressOf(kernelSkb(kernel, state, skb).start), true);
  return {
    state,
    finish: (stop) => {
      for (const r of [packet.region, region]) kernel.memory.free(r);
      return { err: 0, stop, retval: retvalOf(stop) };
    },
  };
}

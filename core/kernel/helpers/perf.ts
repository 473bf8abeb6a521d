// Reading performance counters (kernel/trace/bpf_trace.c, 6.18). Counters count the simulated clock's nanoseconds; no event has a descriptor here.
import type { Machine } from "../../vm/index.ts";
import { E2BIG, EINVAL, ENOENT } from "../errno.ts";
import type { SimKernel } from "../kernel.ts";
import { putArg, room } from "./args.ts";
import type { HelperTable } from "./types.ts";

const INDEX_MASK = 0xffffffffn;
/** sizeof(struct bpf_perf_event_value): counter, enabled, running. */
const VALUE_BYTES = 24;

/** Why there is no counter at an index: a negative errno. */
function missing(k: SimKernel, vm: Machine): number {
  const map = k.mapArg(vm, 1);
  const flags = vm.u64(2);
  if (flags & ~INDEX_MASK) return -EINVAL;
  const index = (flags & INDEX_MASK) === INDEX_MASK ? k.cpu() : Number(flags & INDEX_MASK);
  return index >= map.spec.maxEntries ? -E2BIG : -ENOENT;
}
function readValue(k: SimKernel, vm: Machine): void {
  const size = vm.u32(4);
  putArg(vm, 3, room(vm, 3, size));
  vm.ret(size === VALUE_BYTES ? missing(k, vm) : -EINVAL);
}
/** The counter of the event that runs a perf_event program. */
function progValue(k: SimKernel, vm: Machine): void {
  const size = vm.u32(3);
  const out = room(vm, 2, size);
  if (size === VALUE_BYTES) {
    const view = new DataView(out.buffer);
    for (const off of [0, 8, 16]) view.setBigUint64(off, k.hardware.nowNs, true);
  }
  putArg(vm, 2, out);
  vm.ret(size === VALUE_BYTES ? 0 : -EINVAL);
}

export const PERF_HELPERS: HelperTable = {
  22: (k, vm) => vm.ret(missing(k, vm)),
  55: readValue,
  56: progValue,
};

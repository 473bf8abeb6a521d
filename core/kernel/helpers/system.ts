// Helpers about time, randomness, CPU and the current task (kernel/bpf/helpers.c and kernel/trace/bpf_trace.c, 6.18). They read the simulated hardware only.
import type { Machine } from "../../vm/index.ts";
import { EINVAL } from "../errno.ts";
import type { HelperTable } from "./types.ts";

/** Nanoseconds of a timer tick (CONFIG_HZ 250) and jiffies at boot (INITIAL_JIFFIES as 64 bits). */
const JIFFY_NS = 4_000_000n,
  INITIAL_JIFFIES = 4294892296n;

/** Writes `text` and a NUL into `size` bytes at register `reg`, cut and padded with zeros. */
function putText(vm: Machine, reg: number, size: number, text: string): void {
  const at = vm.argMem(reg, size, true);
  const out = new Uint8Array(size);
  for (let i = 0; i < Math.min(text.length, size - 1); i++) out[i] = text.charCodeAt(i);
  vm.memory.write(at, out);
}

export const SYSTEM_HELPERS: HelperTable = {
  5: (k, vm) => vm.setU64(0, k.hardware.readClock()),
  7: (k, vm) => vm.setR0(k.random() | 0, 0),
  8: (k, vm) => vm.ret(k.cpu()),
  14: (k, vm) => vm.setU64(0, (BigInt(k.run.task.tgid) << 32n) | BigInt(k.run.task.pid)),
  15: (k, vm) => vm.setU64(0, (BigInt(k.run.task.gid) << 32n) | BigInt(k.run.task.uid)),
  16: (k, vm) => {
    const size = vm.u32(2);
    if (size === 0) return vm.ret(-EINVAL);
    putText(vm, 1, size, k.run.task.comm.slice(0, 15));
    vm.ret(0);
  },
  17: (_k, vm) => vm.ret(0),
  42: (_k, vm) => vm.ret(0),
  80: (k, vm) => vm.setU64(0, k.run.task.cgroupId),
  118: (k, vm) => vm.setU64(0, INITIAL_JIFFIES + k.hardware.readClock() / JIFFY_NS),
  125: (k, vm) => vm.setU64(0, k.hardware.readClock()),
  160: (k, vm) => vm.setU64(0, (k.hardware.readClock() / JIFFY_NS) * JIFFY_NS),
  173: (k, vm) => vm.setU64(0, k.run.funcIp),
  174: (k, vm) => vm.setU64(0, k.run.attachCookie),
  208: (k, vm) => vm.setU64(0, k.hardware.epochNs + k.hardware.readClock()),
};

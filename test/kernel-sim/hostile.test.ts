// Every helper and kfunc with arguments that no verified program would pass: each ends in a result or a trap, and harms nothing here.
import { expect, it } from "vitest";
import { HELPERS, KFUNCS, PROG_TYPE } from "../../core/catalog/index.ts";
import { prepareEvent, SIMULATED, type SimKernel } from "../../core/kernel/index.ts";
import { KERNEL_HI, TrapSignal } from "../../core/vm/index.ts";
import { dice } from "./ask-maps.ts";
import { kernelWith } from "./simulate.ts";

const ROUNDS = 40;
const MAPS = [1, 2, 3, 6, 7, 11, 15, 18, 20, 22, 24, 27, 29, 30, 31, 33];
const EXIT = { code: 0x95, dst: 0, src: 0, off: 0, imm: 0 };

/** A kernel with maps of many types and a program that is about to run on a packet, or on none. */
function ready(type: number): { kernel: SimKernel; pointers: number[] } {
  const kernel = kernelWith({ maxBytes: 1 << 24, budget: 1000 });
  const sizes: Readonly<Record<number, readonly [key: number, value: number, entries: number, flags: number]>> = {
    7: [4, 64, 4, 0],
    11: [8, 8, 4, 1],
    22: [0, 8, 4, 0],
    24: [4, 8, 0, 1],
    27: [0, 0, 4096, 0],
    29: [4, 8, 0, 1],
    30: [0, 8, 4, 0],
    31: [0, 0, 4096, 0],
    33: [0, 0, 4, 1024],
  };
  const fds = MAPS.map((t) => {
    const [keySize, valueSize, maxEntries, flags] = sizes[t] ?? [4, t === 1 || t === 2 || t === 6 ? 8 : 4, 4, 0];
    return kernel.createMap({
      name: `m${t}`,
      type: t,
      keySize,
      valueSize,
      maxEntries,
      flags,
      mapExtra: 0n,
      btfKeyTypeId: 1,
      btfValueTypeId: 1,
    });
  }).filter((fd) => fd > 0);
  const program = kernel.programByFd(kernel.loadProgram({ name: "t", type, expectedAttachType: 0, insns: [EXIT], license: "GPL" }, fds))!;
  const run = prepareEvent(kernel, program, type === PROG_TYPE.KPROBE ? {} : { packet: new Uint8Array(80) });
  kernel.begin(program, run.state);
  const { objects } = kernel;
  const socket = objects.sockets.add({ state: 10, localPort: 80 });
  const at = [
    kernel.run.ctxAt,
    0x2000 + 256,
    program.code.code.start,
    ...kernel.maps().map((m) => m.region.start),
    ...kernel.maps().flatMap((m) => (m.entries()[0] ? [m.entries()[0]!.valueAt] : [])),
    objects.tasks.region(kernel.run.task).start,
    objects.cgroups.region(objects.cgroups.get(1n)).start,
    socket.view.start,
    objects.files.region(objects.files.open("/x")).start,
  ];
  return { kernel, pointers: at.filter((a) => a !== 0) };
}

it.each([PROG_TYPE.SCHED_CLS, PROG_TYPE.XDP, PROG_TYPE.KPROBE])("%d: every call ends in a result or a trap", (type) => {
  const roll = dice(type * 7919 + 1);
  const calls: [string, (k: SimKernel) => void][] = [
    ...HELPERS.map((h): [string, (k: SimKernel) => void] => [h.name, (k) => k.helper(k.machine, h.id)]),
    ...KFUNCS.filter((f) => SIMULATED.has(f.name)).map((f): [string, (k: SimKernel) => void] => [
      f.name,
      (k) => k.kfunc(k.machine, f.btfId, 0),
    ]),
  ];
  let { kernel, pointers } = ready(type);
  let results = 0,
    traps = 0;
  for (const [name, call] of calls) {
    for (let round = 0; round < ROUNDS; round++) {
      if (round % 20 === 0) ({ kernel, pointers } = ready(type));
      const registers = [1, 2, 3, 4, 5].map((reg): [number, number, number] => {
        const pick = roll(8);
        if (pick < 4) return [reg, pointers[roll(pointers.length)]! + (roll(4) ? 0 : roll(64)), KERNEL_HI];
        if (pick < 7) return [reg, [0, 1, 2, 4, 8, 12, 16, 20, 36, 40, 44, 64, 408, -1, 0x7fffffff, 4096][roll(16)]!, roll(6) ? 0 : -1];
        return [reg, roll(0xffffffff) | 0, roll(3) - 1];
      });
      for (const [reg, lo, hi] of registers) kernel.machine.setReg(reg, lo, hi);
      try {
        call(kernel);
        results++;
      } catch (e) {
        if (!(e instanceof TrapSignal)) throw new Error(`${name} ${JSON.stringify(registers)}: ${String(e)}\n${(e as Error).stack ?? ""}`);
        traps++;
      }
      kernel.machine.takeCallback();
      kernel.machine.takeTail();
    }
  }
  expect(results + traps).toBe(calls.length * ROUNDS);
  expect(results).toBeGreaterThan(2000);
});

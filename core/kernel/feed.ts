// One program on many packets: what a packet needs is made once and used again, so that a long capture runs in constant memory. It reads no files.
import { helperById, PROG_TYPE as T } from "../catalog/index.ts";
import { OP, type Stop } from "../vm/index.ts";
import { Packet } from "./contexts/packet.ts";
import { SHARED_INFO, XDP_FRAME, XDP_HEADROOM, XdpContext } from "./contexts/xdp.ts";
import { prepareEvent } from "./events.ts";
import { measuredKfunc } from "./kfuncs/index.ts";
import type { LoadedProgram, SimKernel } from "./kernel.ts";
import { RunState } from "./run-state.ts";

/** Runs the program on a packet; its end. Throws CodedError `bad-event` for packets that the kernel refuses. */
export type Feed = (packet: Uint8Array) => Stop;

const ETH_HLEN = 14;
const XDP_ROOM = XDP_FRAME - XDP_HEADROOM - SHARED_INFO;

/** Helpers and kernel functions by which a program sees time pass. */
const TIMED = /^bpf_(ktime_get|jiffies64|timer_|wq_|task_work_|tail_call)/;
/** Whether a program can tell when its packets come; of others the clock need not move. */
export const seesTime = (program: LoadedProgram): boolean => {
  const { insns, plainOp } = program.code;
  return insns.some(({ imm }, slot) => {
    const name = plainOp[slot] === 0x85 ? helperById(imm)?.name : plainOp[slot] === OP.CALL_KFUNC ? measuredKfunc(imm, 0) : "";
    return name === undefined || TIMED.test(name);
  });
};

export function feed(kernel: SimKernel, program: LoadedProgram): Feed {
  const singly: Feed = (packet) => {
    const run = prepareEvent(kernel, program, { packet });
    kernel.begin(program, run.state);
    const stop = kernel.finish();
    run.finish(stop);
    return stop;
  };
  if (program.spec.type !== T.XDP) return singly;
  const frame = new Packet(kernel.memory, new Uint8Array(0), { head: XDP_HEADROOM, tail: XDP_FRAME - XDP_HEADROOM });
  const context = new XdpContext(kernel.memory, frame, { ifindex: 1, queue: 0 });
  return (packet) => {
    if (packet.length < ETH_HLEN || packet.length > XDP_ROOM) return singly(packet);
    frame.refill(XDP_HEADROOM, packet);
    const state = new RunState();
    state.ctx = state.xdp = context;
    state.ctxAt = context.region.start;
    kernel.begin(program, state);
    return kernel.finish();
  };
}

// One program on the packets of a capture, however long: what a packet needs is made once and used again, so that memory stays constant. It reads no files.
import { helperById, PROG_TYPE as T } from "../catalog/index.ts";
import { PcapReader } from "../hardware/index.ts";
import { type Batch, BATCH, FEW, OP, type Region, type Trap } from "../vm/index.ts";
import { Packet } from "./contexts/packet.ts";
import { SHARED_INFO, XDP_FRAME, XDP_HEADROOM, XdpContext } from "./contexts/xdp.ts";
import { prepareEvent } from "./events.ts";
import { measuredKfunc } from "./kfuncs/index.ts";
import type { LoadedProgram, SimKernel } from "./kernel.ts";
import { RunState } from "./run-state.ts";

const ETH_HLEN = 14;
const XDP_ROOM = XDP_FRAME - XDP_HEADROOM - SHARED_INFO;
/** Bytes of a capture that are taken at once; a power of two. Few enough to stay in a processor's cache. */
const PIECE = 1 << 18;
/** Packets that one batch holds. */
const MOST_PACKETS = 4096;

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

/** Takes a pcap or pcapng capture in pieces that lie in the machine's memory, and runs a program on each packet. */
export class CaptureFeed {
  /** How often each result came. */
  readonly results = new Map<number, number>();
  /** Packets that were run. */
  packets = 0;
  readonly #kernel: SimKernel;
  readonly #program: LoadedProgram;
  readonly #trapped: (trap: Trap, packet: number) => never;
  readonly #arrives: ((sinceFirstNs: number) => void) | undefined;
  readonly #reader = new PcapReader();
  readonly #frame: XdpFrame | undefined;
  /** Words and entries of the batch that is being gathered (BATCH). */
  readonly #batch: Region;
  #gathered = 0;
  #room: Region;
  /** The part of the room with bytes that are not used yet. */
  #from = 0;
  #filled = 0;

  /** `trapped` gets the trap that ends it all, and the packet's number from 1; `arrives`, where time matters, the time of each packet before it is run. */
  constructor(
    kernel: SimKernel,
    program: LoadedProgram,
    trapped: (trap: Trap, packet: number) => never,
    arrives?: (sinceFirstNs: number) => void,
  ) {
    this.#kernel = kernel;
    this.#arrives = arrives;
    this.#program = program;
    this.#trapped = trapped;
    this.#frame = program.spec.type === T.XDP ? new XdpFrame(kernel) : undefined;
    this.#batch = kernel.memory.alloc("scratch", "packets of a capture", BATCH.ENTRIES + MOST_PACKETS * BATCH.ENTRY_BYTES);
    this.#room = kernel.memory.alloc("scratch", "capture", PIECE);
  }

  // ---- the capture ----
  /** Where the next bytes of the capture go; good until the next call. */
  room(): Uint8Array {
    const { memory } = this.#kernel;
    const left = this.#filled - this.#from;
    if (this.#reader.wanted > this.#size) this.#grow(this.#reader.wanted);
    const { start } = this.#room;
    memory.u8.copyWithin(start, start + this.#from, start + this.#filled);
    this.#from = 0;
    this.#filled = left;
    return memory.u8.subarray(start + left, start + this.#size);
  }
  get #size(): number {
    return this.#kernel.memory.end[this.#room.id]! - this.#room.start;
  }
  #grow(bytes: number): void {
    const { memory } = this.#kernel;
    const old = this.#room;
    this.#room = memory.alloc("scratch", "capture", 2 ** Math.ceil(Math.log2(bytes)));
    memory.u8.copyWithin(this.#room.start + this.#from, old.start + this.#from, old.start + this.#filled);
    memory.free(old);
  }
  /** The first `bytes` of the room have been filled: runs the program on the packets that are complete. Throws CodedError of the reader and of packets. */
  took(bytes: number): void {
    const { start } = this.#room;
    this.#filled += bytes;
    this.#from = this.#reader.scan(this.#kernel.memory, start + this.#from, start + this.#filled, this.#gather) - start;
    this.#flush();
  }
  /** After the last piece. Throws CodedError `pcap-truncated` or `pcap-format`. */
  end(): void {
    this.#reader.end();
  }

  // ---- the packets ----
  readonly #gather = (at: number, length: number): void => {
    this.#arrives?.(this.#reader.sinceFirstNs);
    const { memory } = this.#kernel;
    if (!this.#frame || length < ETH_HLEN || length > XDP_ROOM) {
      this.#flush();
      return this.#singly(memory.read(at, length));
    }
    const word = (this.#batch.start + BATCH.ENTRIES + BATCH.ENTRY_BYTES * this.#gathered++) >> 2;
    memory.i32[word] = at;
    memory.i32[word + 1] = length;
    if (this.#arrives || this.#gathered === MOST_PACKETS) this.#flush();
  };
  #flush(): void {
    if (!this.#frame || this.#gathered === 0) return;
    if (this.#kernel.takesBatches(this.#program)) this.#compiled(this.#frame);
    else this.#stepped(this.#frame);
    this.#gathered = 0;
  }
  /** A packet that needs a context of its own. */
  #singly(packet: Uint8Array): void {
    const kernel = this.#kernel;
    const run = prepareEvent(kernel, this.#program, { packet });
    this.packets++;
    kernel.begin(this.#program, run.state);
    const stop = kernel.finish();
    run.finish(stop);
    this.#ended(stop.kind === "trap" ? stop.trap : undefined);
  }
  #stepped(frame: XdpFrame): void {
    const kernel = this.#kernel;
    for (let n = 0; n < this.#gathered; n++) {
      const word = (this.#batch.start + BATCH.ENTRIES + BATCH.ENTRY_BYTES * n) >> 2;
      const { i32 } = kernel.memory;
      frame.packet.refill(XDP_HEADROOM, i32[word]!, i32[word + 1]!);
      this.packets++;
      kernel.begin(this.#program, frame.fresh());
      const stop = kernel.finish();
      this.#ended(stop.kind === "trap" ? stop.trap : undefined);
    }
  }
  #compiled(frame: XdpFrame): void {
    const kernel = this.#kernel;
    const at = this.#batch.start;
    const word = (off: number): number => (at + off) >> 2;
    const count = this.#gathered;
    const before = this.packets;
    kernel.memory.i32.fill(0, word(0), word(BATCH.ENTRIES));
    const batch: Batch = { at, count, place: frame.home, beforeCallOut: () => frame.packet.takeShown() };
    for (let done = 0; done < count; done = kernel.memory.i32[word(BATCH.DONE)]!) {
      frame.packet.clear(XDP_HEADROOM);
      kernel.begin(this.#program, frame.fresh());
      const trap = kernel.runBatch(batch);
      const { i32 } = kernel.memory;
      this.packets = before + i32[word(BATCH.DONE)]!;
      if (trap || i32[word(BATCH.OTHER)]) this.#ended(trap);
      i32[word(BATCH.OTHER)] = i32[word(BATCH.TOUCHED)] = 0;
    }
    for (let result = 0; result < FEW; result++) this.#count(result, kernel.memory.i32[word(BATCH.RESULTS) + result]!);
    kernel.memory.markDirty(frame.packet.region.start, XDP_FRAME);
  }
  /** A run has ended with a trap, or with the result in r0. */
  #ended(trap: Trap | undefined): void {
    if (trap) this.#trapped(trap, this.packets);
    this.#count(this.#kernel.machine.u32(0), 1);
  }
  #count(result: number, times: number): void {
    if (times) this.results.set(result, (this.results.get(result) ?? 0) + times);
  }
}

/** The frame that packets are put into one after the other, and its context. */
class XdpFrame {
  readonly packet: Packet;
  /** Where packets begin. */
  readonly home: number;
  readonly #state: RunState;
  constructor({ memory }: SimKernel) {
    this.packet = new Packet(memory, new Uint8Array(0), { head: XDP_HEADROOM, tail: XDP_FRAME - XDP_HEADROOM });
    this.home = this.packet.data;
    const context = new XdpContext(memory, this.packet, { ifindex: 1, queue: 0 });
    this.#state = Object.assign(new RunState(), { ctx: context, xdp: context, ctxAt: context.region.start });
  }
  /** The state for the next run. */
  fresh(): RunState {
    this.#state.forget();
    return this.#state;
  }
}

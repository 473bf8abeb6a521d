// The computer: number of CPUs, the clock, randomness and network devices, as one value that can be saved. It runs no code.
import { Nic, type NicState } from "./nic.ts";
import { Random } from "./random.ts";

export interface HardwareOptions {
  /** CPUs; per-CPU maps have as many values. Default 4. */
  readonly cpus?: number;
  readonly seed?: number;
  /** Nanoseconds since boot at the start. Default one hour. */
  readonly bootNs?: bigint;
  /** Nanoseconds from 1970 to boot. */
  readonly epochNs?: bigint;
}
export interface HardwareState {
  readonly nowNs: bigint;
  readonly random: number;
  readonly cpu: number;
  readonly nics: readonly NicState[];
}

/** A simulated computer. Time moves only through {@link advance} and with each reading. */
export class Hardware {
  readonly cpus: number;
  readonly random: Random;
  readonly epochNs: bigint;
  /** What all that is random here starts from. */
  readonly seed: number;
  nowNs: bigint;
  /** CPU that runs now. */
  cpu = 0;
  readonly nics: Nic[] = [new Nic(1, "lo", { mac: new Uint8Array(6), mtu: 65536 })];

  constructor(options: HardwareOptions = {}) {
    this.cpus = options.cpus ?? 4;
    this.seed = options.seed ?? 1;
    this.random = new Random(this.seed);
    this.nowNs = options.bootNs ?? 3_600_000_000_000n;
    this.epochNs = options.epochNs ?? 1_735_689_600_000_000_000n;
  }
  advance(ns: bigint): void {
    this.nowNs += ns;
  }
  /** Monotonic time; two readings are never equal. */
  readClock(): bigint {
    this.nowNs += 100n;
    return this.nowNs;
  }
  nic(ifindex: number): Nic | undefined {
    return this.nics.find((n) => n.ifindex === ifindex);
  }
  save(): HardwareState {
    return { nowNs: this.nowNs, random: this.random.state, cpu: this.cpu, nics: this.nics.map((n) => n.save()) };
  }
  restore(s: HardwareState): void {
    this.nowNs = s.nowNs;
    this.random.state = s.random;
    this.cpu = s.cpu;
    this.nics.length = Math.min(this.nics.length, s.nics.length);
    this.nics.forEach((n, i) => n.restore(s.nics[i]!));
  }
}

// A network device: receive and transmit queues with rings of frames. It knows no protocols.

export interface NicState {
  readonly rx: readonly (readonly Uint8Array[])[];
  readonly tx: readonly Uint8Array[];
  readonly dropped: number;
}

/** One network interface. */
export class Nic {
  readonly ifindex: number;
  readonly name: string;
  readonly mac: Uint8Array;
  readonly mtu: number;
  readonly ringSize: number;
  #rx: Uint8Array[][];
  #tx: Uint8Array[] = [];
  dropped = 0;

  constructor(ifindex: number, name: string, options: { mac?: Uint8Array; mtu?: number; queues?: number; ringSize?: number } = {}) {
    this.ifindex = ifindex;
    this.name = name;
    this.mac = options.mac ?? new Uint8Array([2, 0, 0, 0, ifindex >> 8, ifindex & 255]);
    this.mtu = options.mtu ?? 1500;
    this.ringSize = options.ringSize ?? 256;
    this.#rx = Array.from({ length: options.queues ?? 1 }, () => []);
  }
  get queues(): number {
    return this.#rx.length;
  }
  /** A frame arrives; false when the ring of its queue is full and it is dropped. */
  receive(frame: Uint8Array, queue = 0): boolean {
    const ring = this.#rx[queue];
    if (!ring || ring.length >= this.ringSize) {
      this.dropped++;
      return false;
    }
    ring.push(frame);
    return true;
  }
  /** Takes the oldest frame of a queue. */
  poll(queue = 0): Uint8Array | undefined {
    return this.#rx[queue]?.shift();
  }
  transmit(frame: Uint8Array): void {
    this.#tx.push(frame);
  }
  /** Frames sent since the last call. */
  takeSent(): Uint8Array[] {
    return this.#tx.splice(0);
  }
  save(): NicState {
    return { rx: this.#rx.map((q) => [...q]), tx: [...this.#tx], dropped: this.dropped };
  }
  restore(s: NicState): void {
    this.#rx = s.rx.map((q) => [...q]);
    this.#tx = [...s.tx];
    this.dropped = s.dropped;
  }
}

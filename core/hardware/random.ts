// A seeded random number generator (xorshift, 32 bits). It is not for secrets.

/** Equal seeds give equal sequences. */
export class Random {
  state: number;
  constructor(seed: number) {
    this.state = seed | 0 || 0x2545f491;
  }
  /** Next number of 32 bits, unsigned. */
  u32(): number {
    let x = this.state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.state = x;
    return x >>> 0;
  }
}

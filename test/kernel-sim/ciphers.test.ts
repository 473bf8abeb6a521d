// Ciphers, hashes and tracked connections, against known answers.
import { createCipheriv, randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { Aes, runCipher } from "../../core/kernel/aes.ts";
import { jhash2, siphash } from "../../core/kernel/siphash.ts";
import { reversed } from "../../core/kernel/objects/conntrack.ts";
import { BEGIN, END, fill, keep, OUT, stack, TCP4 } from "./cases/parts.ts";
import { kept, kernelWith, load, resultOf } from "./simulate.ts";

describe("AES", () => {
  it.each([16, 24, 32].flatMap((n) => (["ecb", "cbc"] as const).map((c): [number, "ecb" | "cbc"] => [n, c])))(
    "with a key of %d bytes, %s",
    (bytes, chaining) => {
      for (let i = 0; i < 20; i++) {
        const key = randomBytes(bytes),
          iv = randomBytes(16),
          input = new Uint8Array(randomBytes(48));
        const cipher = createCipheriv(`aes-${bytes * 8}-${chaining}`, key, chaining === "ecb" ? null : iv);
        cipher.setAutoPadding(false);
        const expected = new Uint8Array(Buffer.concat([cipher.update(input), cipher.final()]));
        const aes = new Aes(new Uint8Array(key));
        const made = runCipher(aes, chaining, { iv: new Uint8Array(iv), input }, false);
        expect(made).toEqual(expected);
        expect(runCipher(aes, chaining, { iv: new Uint8Array(iv), input: made }, true)).toEqual(input);
      }
    },
  );
});

describe("hashes", () => {
  it("are SipHash-2-4 of its authors' example", () => {
    // 15 bytes 00..0e under the key 00..0f.
    const key = [0x0706050403020100n, 0x0f0e0d0c0b0a0908n] as const;
    expect(siphash([0x0706050403020100n, 0x000e0d0c0b0a0908n], 15, key)).toBe(0xa129ca6149be45e5n);
  });
  it("are different for different words", () => {
    const seen = new Set(Array.from({ length: 1000 }, (_, i) => jhash2([i, 1, 2, 3, 4], 0)));
    expect(seen.size).toBeGreaterThan(995);
    expect([jhash2([], 5), jhash2([1], 0) !== jhash2([1, 0], 0)]).toEqual([(0xdeadbeef + 5) >>> 0, true]);
  });
});

describe("connections", () => {
  const TUPLE = fill(64, "0x0200000a0100000a", "0x000000005000d204", 0, 0, 0);
  const OPTIONS = `${fill(16, 0, 6)}; r1 = -1; *(u32 *)(r10 - 16) = r1`;
  const call = (f: string): string =>
    `${TUPLE}; ${OPTIONS}; r1 = r7; ${stack(2, 64)}; r3 = 12; ${stack(4, 16)}; r5 = 16; kcall bpf_xdp_ct_${f}`;
  it("are made, set up, found again, changed and released", () => {
    const kernel = kernelWith();
    const text = `${BEGIN}; ${call("alloc")}; if r0 == 0 goto out; r8 = r0; r1 = r8; r2 = 5000; kcall bpf_ct_set_timeout; r1 = r8; r2 = 4; kcall bpf_ct_set_status; ${keep(0)}; r1 = r8; kcall bpf_ct_insert_entry; if r0 == 0 goto out; r1 = r0; kcall bpf_ct_release; ${call("lookup")}; if r0 == 0 goto out; r8 = r0; r0 = *(u64 *)(r8 + koff nf_conn.status); ${keep(1)}; r1 = r8; r2 = 9000; kcall bpf_ct_change_timeout; ${keep(2)}; r1 = r8; r2 = 1; kcall bpf_ct_change_status; ${keep(3)}; r1 = r8; kcall bpf_ct_release; r0 = *(u8 *)(r10 - 7); ${keep(4)}; out: ${END}`;
    const program = load(kernel, { type: "xdp", maps: [OUT] }, text);
    resultOf(kernel, program, Uint8Array.from(Buffer.from(TCP4, "hex")));
    expect([0, 1, 2, 3, 4].map((i) => kept(kernel, program, i))).toEqual([0n, 12n, 0n, 0xfffffff0n, 0n]);
    const tuple = {
      protocol: 6,
      source: Uint8Array.of(10, 0, 0, 1),
      destination: Uint8Array.of(10, 0, 0, 2),
      sourcePort: 1234,
      destinationPort: 80,
    };
    expect(kernel.objects.conntrack.find(tuple, 0)).toMatchObject({ direction: 0, entry: { timeoutMs: 9000, status: 12 } });
    expect(kernel.objects.conntrack.find(reversed(tuple), 0)?.direction).toBe(1);
    expect(kernel.objects.conntrack.find(tuple, 1)).toBeUndefined();
  });
});

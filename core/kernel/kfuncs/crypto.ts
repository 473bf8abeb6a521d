// Kfuncs of symmetric ciphers (kernel/bpf/crypto.c, crypto/bpf_crypto_skcipher.c, 6.18): AES in the chainings ecb and cbc.
import { utf8 } from "../../base/index.ts";
import { trap, type Machine } from "../../vm/index.ts";
import { Aes, BLOCK_BYTES, runCipher, type Chaining } from "../aes.ts";
import { dynptrRead, dynptrWrite, readDynptr, type Dynptr } from "../dynptr.ts";
import { EINVAL, ENOENT, EOPNOTSUPP } from "../errno.ts";
import { bytesArg, pointerArg } from "../helpers/args.ts";
import type { SimKernel } from "../kernel.ts";
import { retInt, type KfuncTable } from "./types.ts";

/** Places in struct bpf_crypto_params. */
const PARAM = { type: 0, reserved: 14, algorithm: 16, key: 144, keyLength: 400, authSize: 404, bytes: 408 } as const;
const MOST_KEY = 256;

/** Owner of a struct bpf_crypto_ctx. */
class Cipher {
  readonly aes: Aes;
  readonly chaining: Chaining;
  constructor(aes: Aes, chaining: Chaining) {
    this.aes = aes;
    this.chaining = chaining;
  }
}
const text = (bytes: Uint8Array): string => utf8(bytes.indexOf(0) < 0 ? bytes : bytes.subarray(0, bytes.indexOf(0)));

/** The cipher that the parameters ask for, or a negative errno. */
function cipherOf(params: Uint8Array): Cipher | number {
  const view = new DataView(params.buffer, params.byteOffset);
  const length = view.getUint32(PARAM.keyLength, true);
  if (params[PARAM.reserved] || params[PARAM.reserved + 1] || length === 0 || length > MOST_KEY) return -EINVAL;
  if (text(params.subarray(PARAM.type, PARAM.reserved)) !== "skcipher") return -ENOENT;
  const algorithm = text(params.subarray(PARAM.algorithm, PARAM.key));
  const m = /^(ecb|cbc)\(aes\)$/.exec(algorithm);
  // A stream of blocks is none of the kind that bpf_crypto takes.
  if (algorithm === "ctr(aes)") return -EINVAL;
  if (!m) {
    // A name of another cipher may be one that the kernel has: no answer is better than a wrong one.
    if (/^\w+\([\w,()-]+\)$/.test(algorithm)) trap("unsupported-kfunc", `the cipher ${algorithm} is not simulated (bpf_crypto_ctx_create)`);
    return -EOPNOTSUPP;
  }
  if (view.getUint32(PARAM.authSize, true) !== 0) return -EOPNOTSUPP;
  if (![16, 24, 32].includes(length)) return -EINVAL;
  return new Cipher(new Aes(params.slice(PARAM.key, PARAM.key + length)), m[1] as Chaining);
}
function create(k: SimKernel, vm: Machine): void {
  const size = vm.u32(2);
  const made = size === PARAM.bytes ? cipherOf(bytesArg(vm, 1, size)) : -EINVAL;
  const errorAt = vm.argMem(3, 4, true);
  if (typeof made === "number") {
    vm.memory.view.setInt32(errorAt, made, true);
    vm.memory.markDirty(errorAt, 4);
    return vm.retPtr(0);
  }
  const at = k.memory.alloc("object", "struct bpf_crypto_ctx", 16, { writable: false, owner: made }).start;
  count(k, at, 1);
  vm.retPtr(at);
}
/** Changes the number of references, which lies in the context's first word; what it is then. */
function count(k: SimKernel, at: number, by: number): number {
  const next = k.memory.view.getInt32(at, true) + by;
  k.memory.view.setInt32(at, next, true);
  k.memory.markDirty(at, 4);
  return next;
}
const cipher = (k: SimKernel, vm: Machine): Cipher => {
  const owner = k.memory.regionAt(pointerArg(vm, 1))?.owner;
  return owner instanceof Cipher ? owner : trap("bad-argument", "R1 of the call is no cipher of this machine");
};
/** Context, source, destination and initial vector, the last three as dynptrs. */
function crypt(k: SimKernel, vm: Machine, decrypt: boolean): void {
  const { aes, chaining } = cipher(k, vm);
  const from = readDynptr(vm, 2),
    to = readDynptr(vm, 3);
  const iv: Dynptr | undefined = vm.u64(4) === 0n ? undefined : readDynptr(vm, 4);
  const ivLength = chaining === "ecb" ? 0 : BLOCK_BYTES;
  if (to.rdonly || (iv?.data ? iv.size : 0) !== ivLength || !from.data || !to.data || from.size === 0 || to.size < from.size)
    return retInt(vm, -EINVAL);
  const input = dynptrRead(k, vm, from, 0n, from.size);
  const vector = iv?.data ? dynptrRead(k, vm, iv, 0n, ivLength) : new Uint8Array(BLOCK_BYTES);
  if (typeof input === "number" || typeof vector === "number" || input.length % BLOCK_BYTES) return retInt(vm, -EINVAL);
  retInt(vm, dynptrWrite(k, vm, to, { off: 0n, flags: 0n }, runCipher(aes, chaining, { iv: vector, input }, decrypt)));
}

export const CRYPTO_KFUNCS: KfuncTable = {
  bpf_crypto_ctx_create: create,
  bpf_crypto_ctx_acquire: (k, vm) => {
    cipher(k, vm);
    count(k, pointerArg(vm, 1), 1);
    vm.setReg(0, vm.s32(1), vm.hi32(1));
  },
  bpf_crypto_ctx_release: (k, vm) => {
    cipher(k, vm);
    if (count(k, pointerArg(vm, 1), -1) === 0) k.memory.free(k.memory.regionAt(pointerArg(vm, 1))!);
  },
  bpf_crypto_encrypt: (k, vm) => crypt(k, vm, false),
  bpf_crypto_decrypt: (k, vm) => crypt(k, vm, true),
};

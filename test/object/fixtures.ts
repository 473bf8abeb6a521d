// Inputs of the loader's tests: compiled fixtures, and the bundled kernel types (opened once).
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { brotliDecompressSync } from "node:zlib";
import { openBtf, type Btf } from "../../core/object/index.ts";

const root = join(import.meta.dirname, "../..");
export const fixturePath = (name: string): string => join(root, "test/fixtures/object", name);
export const fixture = (name: string): Uint8Array => new Uint8Array(readFileSync(fixturePath(name)));

let kernel: Btf | undefined;
export const vmlinuxBytes = (): Uint8Array => new Uint8Array(brotliDecompressSync(readFileSync(join(root, "assets/vmlinux.btf.br"))));
export const kernelBtf = (): Btf => (kernel ??= openBtf(vmlinuxBytes()));

// What the commands read: objects, C through clang, assembly, kernel types. It turns each into an object's bytes and verifies nothing.
import { readFileSync, statSync } from "node:fs";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { CodedError } from "../../../core/base/index.ts";
import { helperByName } from "../../../core/catalog/index.ts";
import { assemble } from "../../../core/isa/index.ts";
import { openBtf, type Btf } from "../../../core/object/index.ts";
import { packedKernelTypes, toolchainPaths } from "../features/toolchain-paths.ts";
import { compileC, installHint, vmlinuxOf } from "../toolchain/index.ts";

/** Larger files are no BPF objects; reading them would only cost memory. */
const MAX_BYTES = 64 << 20;

/** The kernel types chosen by `--btf`: a file, `host`, or the bundled ones. */
export function readKernelTypes(option: string | undefined): { btf: Btf | undefined; bytes: Uint8Array | undefined } {
  const path = option === "host" ? "/sys/kernel/btf/vmlinux" : option;
  const packed = path === undefined ? packedKernelTypes() : undefined;
  const bytes = path !== undefined ? readFileSync(path) : packed && brotliDecompressSync(packed);
  return { btf: bytes && openBtf(bytes), bytes };
}

/** Text of a kernel's configuration for `.kconfig` externs: a file such as /boot/config-6.1.0, packed by gzip or not. */
export function readKconfig(path: string): string {
  const bytes = readBounded(path);
  const packed = bytes[0] === 0x1f && bytes[1] === 0x8b;
  return new TextDecoder().decode(packed ? gunzipSync(bytes, { maxOutputLength: MAX_BYTES }) : bytes);
}

function readBounded(file: string): Uint8Array {
  const stat = statSync(file);
  if (stat.isDirectory()) throw new CodedError("is-directory", "is a folder; name the files in it", { file });
  if (stat.size > MAX_BYTES)
    throw new CodedError("too-large", `is ${stat.size} bytes; a BPF object has at most ${MAX_BYTES}, so this is none`, { file });
  return readFileSync(file);
}

/** Bytes of the ELF object that `file` is or becomes. Throws CodedError with the compiler's or assembler's first message. */
export async function readObject(file: string, kernel: { btf: Btf | undefined }): Promise<Uint8Array> {
  if (/\.c$/i.test(file)) return compile(file, kernel.btf);
  const bytes = readBounded(file);
  if (!/\.[sS]$/.test(file)) return bytes;
  const { object, diagnostics } = assemble(new TextDecoder().decode(bytes), {
    littleEndian: true,
    helperId: (name) => helperByName(name)?.id,
  });
  const first = diagnostics[0];
  if (!object)
    throw new CodedError("asm", first?.message ?? "cannot be assembled", {
      file,
      line: (first?.line ?? 0) + 1,
      column: (first?.start ?? 0) + 1,
    });
  return object;
}

async function compile(file: string, btf: Btf | undefined): Promise<Uint8Array> {
  readBounded(file);
  const vmlinux = btf && vmlinuxOf(btf.bytes, () => btf);
  const result = await compileC({ file, settings: { ...toolchainPaths(), ...(vmlinux ? { vmlinux } : {}) } });
  if (result.ok) return result.object;
  if (result.missing) throw new CodedError("no-clang", `C needs clang, which is not installed. ${installHint("clang")}`, { file });
  const first = result.diagnostics.find((d) => d.severity === "error") ?? result.diagnostics[0];
  throw new CodedError(
    "compile",
    first?.message ?? "clang could not compile it",
    first ? { file: first.file, line: first.line, column: first.column } : { file },
  );
}

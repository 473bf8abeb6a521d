// Links objects into one as libbpf 1.5's bpf_linker (`bpftool gen object`) does: the same bytes for the same inputs. It does no I/O and loads nothing.
import { CodedError, FieldWriter } from "../../base/index.ts";
import { dedupTypes } from "../btf/dedup.ts";
import { fail, openInput, within, type LinkFile } from "./input.ts";
import { Output } from "./output.ts";
import { appendData, appendRelocs } from "./sections.ts";
import { appendSymbols } from "./symbols.ts";
import { addDatasecs, appendTypes, extWords, renumberExt } from "./types.ts";

/**
 * The object that `files` make together, in this order. Debug information other than BTF is left out, externs that no file defines stay.
 * Throws CodedError with file and offset for inputs that cannot be read or do not fit together.
 */
export function linkObjects(files: readonly LinkFile[]): Uint8Array {
  const [first] = files;
  if (first === undefined) throw new CodedError("link-no-files", "there is no file to link");
  let out: Output | undefined;
  for (const file of files) {
    const input = openInput(file);
    out ??= new Output(input.elf.littleEndian);
    const into = out;
    if (input.elf.littleEndian !== into.littleEndian) fail(file, "link-byte-order", `ELF: its byte order is not that of ${first.name}`, 5);
    within(file.name, 0, () => {
      appendData(into, input);
      appendSymbols(into, input);
      appendRelocs(into, input);
      appendTypes(into, input);
    });
  }
  return within(files.at(-1)!.name, 0, () => finish(out!));
}

function finish(out: Output): Uint8Array {
  if (out.btf.types.length === 1) return out.bytes();
  addDatasecs(out);
  extWords(out); // Names of sections come before the types are counted anew.
  const { types, newId } = dedupTypes(out.btf.types);
  out.btf.types = types;
  renumberExt(out, newId);
  const ext = extWords(out);
  out.addData(".BTF", out.btf.bytes(), 8);
  if (ext !== undefined) out.addData(".BTF.ext", extBytes(ext, out.littleEndian), 8);
  return out.bytes();
}

function extBytes(words: readonly number[], littleEndian: boolean): Uint8Array {
  const f = new FieldWriter(4 + words.length * 4, littleEndian).u16(0xeb9f).u8(1).u8(0);
  for (const w of words) f.u32(w);
  return f.bytes;
}

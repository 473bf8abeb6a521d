// The BTF in a file that is either an ELF object with a .BTF section or a bare blob. It opens and loads nothing else.
import { CodedError } from "../../base/index.ts";
import { openElf } from "../elf/elf.ts";
import type { Btf } from "./btf.ts";
import { openBtf } from "./reader.ts";

/** Throws CodedError when neither is there. */
export function btfOfFile(bytes: Uint8Array, base?: Btf): Btf {
  if (bytes[0] !== 0x7f) return openBtf(bytes, base);
  const section = openElf(bytes).sections.find((s) => s.name === ".BTF");
  if (section === undefined) throw new CodedError("btf-missing", "no .BTF section; compile with -g");
  return openBtf(section.data, base);
}

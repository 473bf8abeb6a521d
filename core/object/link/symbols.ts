// Symbols of one input in the result: who defines a global, what becomes of externs, weak and hidden ones (linker_append_elf_sym of libbpf 1.5).
import type { BtfId } from "../../base/index.ts";
import { BTF_KIND as K } from "../btf/btf.ts";
import { INFO, NAME, rawInfo, rawKind, REF, TAIL } from "../btf/raw.ts";
import type { BtfBlob } from "../btf/reader.ts";
import { SHN_LORESERVE, SHN_UNDEF, STB, STT, type ElfSymbol } from "../elf/elf.ts";
import { fail, within, type InSection, type LinkInput } from "./input.ts";
import { mismatch } from "./match.ts";
import type { GlobalSymbol, Output } from "./output.ts";

/** Where the types of an input speak of a name. */
interface Mention {
  /** VARs and FUNCs that are not static, ascending. */
  readonly ids: BtfId[];
  /** The first DATASEC that holds it. */
  datasec: { readonly id: BtfId; readonly name: string; readonly type: BtfId } | undefined;
}

const isGlobal = (t: { kind: number; linkage: number }): boolean => (t.kind === K.VAR || t.kind === K.FUNC) && t.linkage !== 0;

function mentions(btf: BtfBlob): Map<string, Mention> {
  const out = new Map<string, Mention>();
  const of = (name: string): Mention => {
    const m = out.get(name) ?? { ids: [], datasec: undefined };
    out.set(name, m);
    return m;
  };
  for (let id = 1; id < btf.typeCount; id++) {
    const kind = btf.kind(id);
    if (kind !== K.VAR && kind !== K.FUNC && kind !== K.DATASEC) continue;
    const t = btf.type(id);
    if (isGlobal(t)) of(t.name).ids.push(id);
    for (const v of t.vars) {
      const target = btf.type(v.type);
      if ((target.kind === K.VAR || target.kind === K.FUNC) && target.linkage === 0) continue;
      of(target.name).datasec ??= { id, name: t.name, type: v.type };
    }
  }
  return out;
}

/** Adds all symbols of `input`. Throws CodedError `link-...` with file and offset. */
export function appendSymbols(out: Output, input: LinkInput): void {
  const known = input.btf && mentions(input.btf);
  for (const sym of input.elf.symbols.slice(1)) new SymbolStep(out, input, sym).run(known);
}

class SymbolStep {
  readonly #out: Output;
  readonly #input: LinkInput;
  readonly #sym: ElfSymbol;
  #section: InSection | undefined;

  constructor(out: Output, input: LinkInput, sym: ElfSymbol) {
    this.#out = out;
    this.#input = input;
    this.#sym = sym;
    if (sym.shndx !== SHN_UNDEF && sym.shndx < SHN_LORESERVE) this.#section = input.sections[sym.shndx];
  }

  #fail(code: string, why: string): never {
    const table = this.#input.elf.sections[this.#input.elf.symtabIndex]!;
    return fail(this.#input, code, why, table.offset + this.#sym.index * 24);
  }

  run(known: ReadonlyMap<string, Mention> | undefined): void {
    const sym = this.#sym;
    const isExtern = sym.shndx === SHN_UNDEF;
    if (isExtern && known === undefined) this.#fail("extern-no-btf", `extern '${sym.name}': externs need BTF, compile with -g`);
    if (this.#section?.skipped) return;
    const standing = this.#section?.out?.symbol ?? 0;
    if (sym.type === STT.SECTION && standing !== 0) this.#input.symMap[sym.index] = standing;
    else if (sym.bind === STB.LOCAL) this.#add();
    else this.#global(this.#describe(known), isExtern);
  }

  /** The type of a global; for an extern also its section. */
  #describe(known: ReadonlyMap<string, Mention> | undefined): BtfId {
    const { name, shndx } = this.#sym;
    const m = known?.get(name) ?? this.#fail("link-no-btf", `failed to find BTF info for global/extern symbol '${name}'; compile with -g`);
    const { datasec } = m;
    if (datasec === undefined) return m.ids.at(-1)!;
    const before = m.ids.findLast((id) => id < datasec.id);
    if (before !== undefined && before !== datasec.type)
      this.#fail("link-ambiguous", `global/extern '${name}' BTF is ambiguous: both types #${before} and #${datasec.type} match`);
    const kind = this.#input.btf!.kind(datasec.type);
    if (kind !== K.VAR && kind !== K.FUNC)
      this.#fail("link-mismatch", `only extern variables and functions are supported, '${name}' is neither`);
    if (shndx === SHN_UNDEF && datasec.name !== ".extern")
      this.#section = this.#input.sections.find((s, i) => i > 0 && s.name === datasec.name);
    return datasec.type;
  }

  #global(id: BtfId, isExtern: boolean): void {
    const { name, bind } = this.#sym;
    const global = this.#out.globals.get(name);
    if (global !== undefined) return this.#meet(global, id, isExtern);
    const symIdx = this.#add();
    this.#out.globals.set(name, {
      name,
      symIdx,
      section: this.#section?.out,
      isExtern,
      isWeak: bind === STB.WEAK,
      btfId: 0,
      origin: { btf: this.#input.btf!, id },
      retype: true,
      varIdx: -1,
    });
  }

  /** A name that an earlier file used: the stricter binding and visibility stay, a definition takes the place of an extern or of a weak one. */
  #meet(global: GlobalSymbol, id: BtfId, isExtern: boolean): void {
    const sym = this.#sym;
    this.#input.symMap[sym.index] = global.symIdx;
    if (!isExtern && !global.isExtern && !global.isWeak && sym.bind !== STB.WEAK)
      this.#fail("link-conflict", `conflicting non-weak symbol #${sym.index} (${sym.name}) definition in '${this.#input.name}'`);
    if (global.btfId === 0) this.#fail("link-no-btf", `BTF info is missing for global symbol '${sym.name}'`);
    const mine = { btf: this.#input.btf!, id };
    const why = within(this.#input.name, 0, () => mismatch(sym.name, global.origin, mine, global.section?.name === ".maps"));
    if (why !== undefined) this.#fail("link-mismatch", why.startsWith("global '") ? why : `global '${sym.name}': ${why}`);
    const target = this.#out.symbols[global.symIdx]!;
    if (sym.bind === STB.GLOBAL) {
      target.bind = STB.GLOBAL;
      global.isWeak = false;
    }
    target.visibility = Math.max(target.visibility, sym.visibility);
    if (isExtern || (!global.isExtern && sym.bind === STB.WEAK)) return;
    target.type = sym.type;
    target.shndx = this.#section?.out?.index ?? 0;
    target.value = (this.#section?.outOff ?? 0) + sym.value;
    target.size = sym.size;
    global.section = this.#section?.out;
    global.isExtern = false;
    this.#complete(global, mine.btf, id);
    global.origin = mine;
    global.retype = true;
  }

  /** What an extern's types leave open: linkage, and the names of parameters. */
  #complete(global: GlobalSymbol, btf: BtfBlob, id: BtfId): void {
    const { types } = this.#out.btf;
    const t = types[global.btfId]!;
    if (btf.kind(id) === K.VAR) {
      t[TAIL] = 1;
      return;
    }
    t[INFO] = rawInfo(K.FUNC, 1);
    const proto = types[t[REF]!]!;
    const protoId = btf.type(id).type;
    if (rawKind(proto) !== K.FUNC_PROTO || btf.kind(protoId) !== K.FUNC_PROTO) return;
    const theirs = btf.words(protoId);
    for (let i = TAIL; i < Math.min(proto.length, theirs.length); i += 2)
      if (theirs[i + NAME] !== 0) proto[i] = this.#out.btf.string(btf, theirs[i]!);
  }

  #add(): number {
    const sym = this.#sym;
    const target = this.#section?.out;
    const index = this.#out.symbols.push({
      name: this.#out.names.at(sym.name),
      type: sym.type,
      bind: sym.bind,
      visibility: sym.visibility,
      shndx: target ? target.index : sym.shndx,
      value: sym.type === STT.SECTION && target ? 0 : (this.#section?.outOff ?? 0) + sym.value,
      size: sym.size,
    }) - 1; // prettier-ignore
    this.#input.symMap[sym.index] = index;
    if (sym.type === STT.SECTION && target) target.symbol = index;
    return index;
  }
}

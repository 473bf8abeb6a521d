// Variables as the protocol wants them: registers, locals, stack, context, packet, maps. It changes values only through setVariable.
import { Handles } from "@vscode/debugadapter";
import type { DebugProtocol } from "@vscode/debugprotocol";
import { bytesToHex, CodedError } from "../../core/base/index.ts";
import {
  childrenOf,
  evaluate,
  numberOf,
  parseLayers,
  textOf,
  typeName,
  type LocalsProvider,
  type MapView,
  type Scope,
  type TypedValue,
  type Value,
} from "../../core/debug/index.ts";
import { FieldContext } from "../../core/kernel/index.ts";
import { BTF_KIND, type Btf } from "../../core/object/index.ts";
import { KERNEL_HI, STACK_BYTES, type Machine } from "../../core/vm/index.ts";
import type { Runtime } from "./runtime.ts";

type Variable = DebugProtocol.Variable;
/** A thing with children. */
interface Container {
  children(): Variable[];
  set?(name: string, value: bigint): string;
}
const ref = (at: number): string => `0x${((BigInt(KERNEL_HI >>> 0) << 32n) | BigInt(at)).toString(16)}`;
const hex = (n: bigint): string => `0x${BigInt.asUintN(64, n).toString(16)}`;

export class Scopes {
  readonly #runtime: Runtime;
  readonly #locals: LocalsProvider | undefined;
  #handles = new Handles<Container>();

  constructor(runtime: Runtime, locals?: LocalsProvider) {
    this.#runtime = runtime;
    this.#locals = locals;
  }
  /** Forgets all references: the machine has moved. */
  reset(): void {
    this.#handles.reset();
  }
  get #machine(): Machine {
    return this.#runtime.kernel.machine;
  }
  get #btf(): Btf | undefined {
    return this.#runtime.plan.object.btf;
  }

  /** The scopes of the frame `up` calls above the innermost. */
  scopes(up: number): DebugProtocol.Scope[] {
    const make = (name: string, container: Container, hint?: string): DebugProtocol.Scope => ({
      name,
      variablesReference: this.#handles.create(container),
      expensive: false,
      ...(hint ? { presentationHint: hint } : {}),
    });
    const out = [
      make("Locals", this.#localScope(up), "locals"),
      make("Registers", this.#registers(up), "registers"),
      make("Stack", { children: () => this.#stack(up) }),
    ];
    const { run } = this.#runtime.kernel;
    if (run.ctxAt) out.push(make("Context", { children: () => this.#context() }));
    if (run.xdp ?? run.skb) out.push(make("Packet", { children: () => this.#packet() }));
    out.push(make("Maps", { children: () => this.#runtime.mapNames().map((n) => this.#mapVariable(this.#runtime.mapView(n)!)) }));
    return out;
  }
  variables(reference: number): Variable[] {
    return this.#handles.get(reference)?.children() ?? [];
  }
  /** Sets a child of a container; the new text. */
  setVariable(reference: number, name: string, text: string): string {
    const container = this.#handles.get(reference);
    if (!container?.set) throw new CodedError("read-only", `${name} cannot be set`);
    return container.set(name, numberOf(evaluate(text, this.expressionScope(0)), this.expressionScope(0)));
  }

  // ---- registers ----
  registerValue(up: number, reg: number): bigint {
    const { memory } = this.#machine;
    const saved = this.#machine.savedRegsAt(up);
    if (saved === undefined || reg < 6) return this.#machine.u64(reg);
    return memory.view.getBigUint64(saved + 8 * (reg - 6), true);
  }
  #registers(up: number): Container {
    const names = up === 0 ? [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10] : [6, 7, 8, 9, 10];
    return {
      children: () => [
        ...names.map((i): Variable => {
          const value = this.registerValue(up, i);
          return {
            name: `r${i}`,
            value: `${hex(value)}${this.#meaning(value)}`,
            type: "u64",
            variablesReference: 0,
            ...this.#memoryOf(value),
          };
        }),
        ...(up === 0 ? [{ name: "pc", value: String(this.#machine.pc), variablesReference: 0 }] : []),
      ],
      set: (name, value) => {
        const m = /^r(\d|10)$/.exec(name);
        if (!m || up !== 0 || name === "r10") throw new CodedError("read-only", `${name} cannot be set`);
        this.#machine.setU64(Number(m[1]), value);
        return hex(value);
      },
    };
  }
  /** What a 64-bit value may mean: the region that it points into, or its decimal text. */
  #meaning(value: bigint): string {
    const inner =
      Number(BigInt.asIntN(32, value >> 32n)) === KERNEL_HI
        ? this.#machine.frames().findIndex((f) => f.fp >>> 0 === Number(value & 0xffffffffn))
        : -1;
    if (inner >= 0) return ` (fp+0 of frame ${this.#machine.frames().length - 1 - inner})`;
    const region =
      Number(BigInt.asIntN(32, value >> 32n)) === KERNEL_HI ? this.#machine.memory.regionAt(Number(value & 0xffffffffn)) : undefined;
    if (!region) return value > 9n ? ` (${BigInt.asIntN(64, value)})` : "";
    const off = Number(value & 0xffffffffn) - (region.kind === "packet" ? this.#packetStart(region.start) : region.start);
    if (region.kind === "stack")
      return ` (fp${off - STACK_BYTES < 0 ? off - STACK_BYTES : "+0"} of frame ${region.name.split(" ").at(-1)})`;
    return ` (${region.name}${off ? `+${off}` : ""})`;
  }
  #packetStart(otherwise: number): number {
    const { run } = this.#runtime.kernel;
    return (run.xdp?.packet ?? run.skb?.packet)?.data ?? otherwise;
  }
  #memoryOf(value: bigint): { memoryReference?: string } {
    return Number(BigInt.asIntN(32, value >> 32n)) === KERNEL_HI ? { memoryReference: hex(value) } : {};
  }

  // ---- locals and globals ----
  #localScope(up: number): Container {
    const frame = this.#machine.frames()[up]!;
    const locals = this.#locals?.localsAt(this.#machine, frame.program, frame.pc, up) ?? [];
    const typed = new Map<string, TypedValue>();
    return {
      children: () => [
        ...locals.map((l): Variable => {
          if (!l.place) return { name: l.name, value: l.text ?? "", type: l.typeName, variablesReference: 0 };
          typed.set(l.name, l.place);
          return this.#typed(l.place);
        }),
        ...this.globals().map((g) => {
          typed.set(g.name, g);
          return this.#typed(g);
        }),
      ],
      set: (name, value) => this.#setTyped(typed.get(name), name, value),
    };
  }
  /** Variables of the object's data sections. */
  globals(): TypedValue[] {
    const btf = this.#btf;
    if (!btf) return [];
    return this.#runtime.mapNames().flatMap((name) => {
      const view = this.#runtime.mapView(name)!;
      const section = view.valueType ? btf.type(view.valueType) : undefined;
      if (section?.kind !== BTF_KIND.DATASEC) return [];
      const base = view.find(new Uint8Array(4));
      return section.vars.map((v) => ({ name: btf.type(v.type).name, type: btf.type(v.type).type, at: base + v.offset }));
    });
  }
  #typed(v: TypedValue, name = v.name): Variable {
    const btf = this.#btf!;
    const { memory } = this.#machine;
    const children = childrenOf(btf, memory, v);
    const container: Container = {
      children: () => childrenOf(btf, memory, v).map((c) => this.#typed(c)),
      set: (child, value) =>
        this.#setTyped(
          childrenOf(btf, memory, v).find((c) => c.name === child),
          child,
          value,
        ),
    };
    return {
      name,
      value: textOf(btf, memory, v),
      type: typeName(btf, v.type),
      variablesReference: children.length ? this.#handles.create(container) : 0,
      memoryReference: ref(v.at),
    };
  }
  #setTyped(v: TypedValue | undefined, name: string, value: bigint): string {
    const btf = this.#btf;
    if (!v || !btf || v.bits) throw new CodedError("read-only", `${name} cannot be set`);
    const size = btf.type(btf.resolve(v.type)).kind === BTF_KIND.PTR ? 8 : btf.sizeOf(v.type);
    if (size > 8 || childrenOf(btf, this.#machine.memory, v).length > 1) throw new CodedError("read-only", `${name} is no number`);
    const bytes = new Uint8Array(size);
    for (let i = 0; i < size; i++) bytes[i] = Number((BigInt.asUintN(64, value) >> BigInt(8 * i)) & 255n);
    this.#machine.memory.write(v.at, bytes);
    return textOf(btf, this.#machine.memory, v);
  }

  // ---- stack, context, packet ----
  #stack(up: number): Variable[] {
    const { memory } = this.#machine;
    const top = this.#machine.frames()[up]!.fp >>> 0;
    const out: Variable[] = [];
    for (let off = -8; off >= -STACK_BYTES; off -= 8) {
      const value = memory.view.getBigUint64(top + off, true);
      if (value !== 0n)
        out.push({
          name: `fp${off}`,
          value: `0x${value.toString(16).padStart(16, "0")}${this.#meaning(value)}`,
          variablesReference: 0,
          memoryReference: ref(top + off),
        });
    }
    return out;
  }
  #context(): Variable[] {
    const { run, memory } = this.#runtime.kernel;
    if (run.ctx instanceof FieldContext) {
      return run.ctx.fields().map((f) => ({
        name: f.name,
        value: `${f.value > 9n ? `0x${f.value.toString(16)}` : f.value}${f.value >> 32n ? this.#meaning(f.value) : f.value > 9n ? ` (${f.value})` : ""}`,
        variablesReference: 0,
      }));
    }
    const region = memory.regionAt(run.ctxAt)!;
    const names = region.name === "pt_regs" ? PT_REGS : [];
    const out: Variable[] = [];
    for (let off = 0; run.ctxAt + off + 8 <= memory.end[region.id]!; off += 8) {
      const value = memory.view.getBigUint64(run.ctxAt + off, true);
      out.push({
        name: names[off / 8] ?? `+${off}`,
        value: `${hex(value)}${this.#meaning(value)}`,
        variablesReference: 0,
        memoryReference: ref(run.ctxAt + off),
      });
    }
    return out;
  }
  #packet(): Variable[] {
    const { run } = this.#runtime.kernel;
    const packet = (run.xdp?.packet ?? run.skb?.packet)!;
    const atNetwork = run.skb !== undefined && packet.data >= run.skb.networkHeader;
    return parseLayers(packet.bytes(), atNetwork).map((layer) => ({
      name: layer.name,
      value: `${layer.size} bytes at ${layer.off}`,
      memoryReference: ref(packet.data + layer.off),
      variablesReference: this.#handles.create({
        children: () =>
          layer.fields.map((f) => ({ name: f.name, value: f.value, variablesReference: 0, memoryReference: ref(packet.data + f.off) })),
      }),
    }));
  }

  // ---- maps ----
  #mapVariable(view: MapView): Variable {
    const entries = view.entries();
    return {
      name: view.name,
      value: `${view.kind}, ${entries.length} entries`,
      type: "map",
      indexedVariables: entries.length,
      variablesReference: entries.length
        ? this.#handles.create({
            children: () =>
              view
                .entries()
                .slice(0, 1000)
                .map((e) => this.#entry(view, e)),
          })
        : 0,
    };
  }
  #entry(view: MapView, e: { key: Uint8Array; valueAt: number }): Variable {
    const name = `[${this.keyText(view, e.key)}]`;
    if (view.valueType && this.#btf) return this.#typed({ name, type: view.valueType, at: e.valueAt });
    return {
      name,
      value: bytesToHex(this.#machine.memory.read(e.valueAt, view.valueSize)),
      variablesReference: 0,
      memoryReference: ref(e.valueAt),
    };
  }
  /** A key as a person reads it. */
  keyText(view: MapView, key: Uint8Array): string {
    if (view.keySize <= 8) return [...key].reduceRight((n, b) => (n << 8n) | BigInt(b), 0n).toString();
    const end = key.indexOf(0);
    const text = key.subarray(0, end < 0 ? key.length : end);
    return text.length && text.every((b) => b >= 32 && b < 127) ? `"${String.fromCharCode(...text)}"` : bytesToHex(key);
  }

  // ---- expressions ----
  expressionScope(up: number): Scope {
    const frame = this.#machine.frames()[up]!;
    return {
      memory: this.#machine.memory,
      btf: this.#btf,
      register: (name) => {
        const m = /^([rw])(\d|10)$/.exec(name);
        if (name === "pc") return BigInt(frame.pc);
        if (!m) return undefined;
        const value = this.registerValue(up, Number(m[2]));
        return m[1] === "w" ? BigInt.asUintN(32, value) : value;
      },
      variable: (name) =>
        this.#locals?.localsAt(this.#machine, frame.program, frame.pc, up).find((l) => l.name === name)?.place ??
        this.globals().find((g) => g.name === name),
      map: (name) => this.#runtime.mapView(name),
    };
  }
  /** Evaluates and shows an expression. */
  evaluate(text: string, up: number): { result: string; type?: string; variablesReference: number; memoryReference?: string } {
    const local = this.#locals
      ?.localsAt(this.#machine, this.#machine.frames()[up]!.program, this.#machine.frames()[up]!.pc, up)
      .find((l) => l.name === text.trim());
    if (local && !local.place) return { result: local.text ?? "", type: local.typeName, variablesReference: 0 };
    return this.#show(evaluate(text, this.expressionScope(up)));
  }
  #show(v: Value): { result: string; type?: string; variablesReference: number; memoryReference?: string } {
    switch (v.kind) {
      case "number":
        return {
          result: `${v.value > 9n || v.value < 0n ? `${v.value} (${hex(v.value)})` : v.value}`,
          variablesReference: 0,
          ...this.#memoryOf(BigInt.asUintN(64, v.value)),
        };
      case "text":
        return { result: v.text, variablesReference: 0 };
      case "bytes":
        return { result: bytesToHex(this.#machine.memory.read(v.at, v.size)), variablesReference: 0, memoryReference: ref(v.at) };
      case "map": {
        const { value, variablesReference } = this.#mapVariable(v.map);
        return { result: value, variablesReference };
      }
      case "typed": {
        const shown = this.#typed(v.typed);
        return {
          result: shown.value,
          type: shown.type!,
          variablesReference: shown.variablesReference,
          memoryReference: shown.memoryReference!,
        };
      }
    }
  }
}

const PT_REGS = [
  "r15",
  "r14",
  "r13",
  "r12",
  "bp",
  "bx",
  "r11",
  "r10",
  "r9",
  "r8",
  "ax",
  "cx",
  "dx",
  "si",
  "di",
  "orig_ax",
  "ip",
  "cs",
  "flags",
  "sp",
  "ss",
];

// Variables as the protocol wants them: registers, locals, stack, context, packet, maps. It changes values only through setVariable.
import { Handles } from "@vscode/debugadapter";
import type { DebugProtocol } from "@vscode/debugprotocol";
import { bug, bytesToHex, CodedError } from "../../core/base/index.ts";
import {
  addressOf,
  childrenOf,
  evaluate,
  numberOf,
  offsetOf,
  parseLayers,
  registerAt,
  textOf,
  type LocalVariable,
  type MapView,
  type Scope,
  type TypedValue,
  type Value,
} from "../../core/debug/index.ts";
import { FieldContext } from "../../core/kernel/index.ts";
import { strip, typeText, VOID } from "../../core/object/index.ts";
import { STACK_BYTES, type Machine } from "../../core/vm/index.ts";
import { callStack, type CallFrame } from "./frames.ts";
import type { Runtime } from "./runtime.ts";

type Variable = DebugProtocol.Variable;
/** A thing with children. */
interface Container {
  children(): Variable[];
  set?(name: string, value: bigint): string;
}
const ref = (at: number): string => hex(addressOf(at));
const hex = (n: bigint): string => `0x${BigInt.asUintN(64, n).toString(16)}`;

export class Scopes {
  readonly #runtime: Runtime;
  #handles = new Handles<Container>();

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }
  /** Forgets all references: the machine has moved. */
  reset(): void {
    this.#handles.reset();
  }
  get #machine(): Machine {
    return this.#runtime.kernel.machine;
  }
  #frame(id: number): CallFrame {
    return callStack(this.#runtime)[id] ?? bug(`there is no frame ${id}`);
  }

  /** The scopes of a frame by its id. */
  scopes(id: number): DebugProtocol.Scope[] {
    const frame = this.#frame(id);
    const { up } = frame;
    const make = (name: string, container: Container, hint?: string): DebugProtocol.Scope => ({
      name,
      variablesReference: this.#handles.create(container),
      expensive: false,
      ...(hint ? { presentationHint: hint } : {}),
    });
    const out = [
      make("Locals", this.#localScope(frame), "locals"),
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
  #registers(up: number): Container {
    const names = up === 0 ? [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10] : [6, 7, 8, 9, 10];
    return {
      children: () => [
        ...names.map((i): Variable => {
          const value = registerAt(this.#machine, up, i)!;
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
    const at = offsetOf(value);
    const inner = this.#machine.frames().findIndex((f) => f.fp >>> 0 === at);
    if (inner >= 0) return ` (fp+0 of frame ${this.#machine.frames().length - 1 - inner})`;
    const region = at === undefined ? undefined : this.#machine.memory.regionAt(at);
    if (!region) return value > 9n ? ` (${BigInt.asIntN(64, value)})` : "";
    const off = at! - (region.kind === "packet" ? this.#packetStart(region.start) : region.start);
    if (region.kind === "stack")
      return ` (fp${off - STACK_BYTES < 0 ? off - STACK_BYTES : "+0"} of frame ${region.name.split(" ").at(-1)})`;
    return ` (${region.name}${off ? `+${off}` : ""})`;
  }
  #packetStart(otherwise: number): number {
    const { run } = this.#runtime.kernel;
    return (run.xdp?.packet ?? run.skb?.packet)?.data ?? otherwise;
  }
  #memoryOf(value: bigint): { memoryReference?: string } {
    return offsetOf(value) === undefined ? {} : { memoryReference: hex(value) };
  }

  // ---- locals and globals ----
  #locals({ program, pc, up, level }: CallFrame): LocalVariable[] {
    return this.#runtime.locals?.localsAt(this.#machine, program, pc, up, level) ?? [];
  }
  #localScope(frame: CallFrame): Container {
    const values = (): TypedValue[] => [...this.#locals(frame).map((l) => l.value), ...this.#runtime.globals()];
    return {
      children: () => [...this.#locals(frame).map((l) => this.#local(l)), ...this.#runtime.globals().map((g) => this.#typed(g))],
      set: (name, value) => this.#setTyped(values(), name, value),
    };
  }
  #local({ value, why }: LocalVariable): Variable {
    if (why === undefined) return this.#typed(value);
    return { name: value.name, value: `<${why}>`, type: typeText(value.type), variablesReference: 0 };
  }
  #typed(v: TypedValue, name = v.name): Variable {
    const { peek } = this.#runtime;
    const children = (): TypedValue[] => childrenOf(peek, v);
    const container: Container = {
      children: () => children().map((c) => this.#typed(c)),
      set: (child, value) => this.#setTyped(children(), child, value),
    };
    return {
      name,
      value: `${textOf(peek, v)}${this.#pointsAt(v)}`,
      type: typeText(v.type),
      variablesReference: children().length ? this.#handles.create(container) : 0,
      ...(typeof v.in === "number" ? { memoryReference: ref(v.in) } : {}),
    };
  }
  /** What a pointer means, beside its number. */
  #pointsAt(v: TypedValue): string {
    if (strip(v.type).kind !== "pointer") return "";
    const scope = this.expressionScope(0);
    try {
      return this.#meaning(BigInt.asUintN(64, numberOf({ kind: "typed", typed: v }, scope)));
    } catch (e) {
      if (e instanceof CodedError) return "";
      throw e;
    }
  }
  #setTyped(among: readonly TypedValue[], name: string, value: bigint): string {
    const { peek } = this.#runtime;
    const v = among.find((c) => c.name === name);
    const { kind, size } = strip(v?.type ?? VOID);
    if (!v || v.bits) throw new CodedError("read-only", `${name} cannot be set`);
    if (!SCALAR.has(kind) || size > 8) throw new CodedError("read-only", `${name} is no number`);
    if (typeof v.in !== "number") {
      if (!v.in.set) throw new CodedError("read-only", `${name} is held in no place that can be set`);
      v.in.set(BigInt.asUintN(64, value));
      return hex(BigInt.asUintN(8 * size, value));
    }
    const { memory } = this.#machine;
    if (!peek(v.in, size) || memory.regionAt(v.in)!.owner instanceof FieldContext)
      throw new CodedError("read-only", `${name} cannot be set`);
    const bytes = new Uint8Array(size);
    for (let i = 0; i < size; i++) bytes[i] = Number((BigInt.asUintN(64, value) >> BigInt(8 * i)) & 255n);
    memory.write(v.in, bytes);
    return textOf(peek, v);
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
    if (view.valueType) return this.#typed({ name, type: view.valueType, in: e.valueAt });
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
  /** What names mean in a frame by its id. */
  expressionScope(id: number): Scope {
    const frame = this.#frame(id);
    return {
      peek: this.#runtime.peek,
      register: (name) => {
        const m = /^([rw])(\d|10)$/.exec(name);
        if (name === "pc") return BigInt(frame.pc);
        const value = m ? registerAt(this.#machine, frame.up, Number(m[2])) : undefined;
        return value !== undefined && m![1] === "w" ? BigInt.asUintN(32, value) : value;
      },
      variable: (name) =>
        this.#locals(frame).find((l) => l.value.name === name)?.value ?? this.#runtime.globals().find((g) => g.name === name),
      map: (name) => this.#runtime.mapView(name),
    };
  }
  /** Evaluates an expression in a frame and shows it. */
  evaluate(text: string, id: number): { result: string; type?: string; variablesReference: number; memoryReference?: string } {
    const local = this.#locals(this.#frame(id)).find((l) => l.value.name === text.trim());
    if (local) return shown(this.#local(local));
    return this.#show(evaluate(text, this.expressionScope(id)));
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
      case "typed":
        return shown(this.#typed(v.typed));
    }
  }
}
const SCALAR: ReadonlySet<string> = new Set(["base", "enum", "pointer"]);
/** A variable as the answer to an expression. */
const shown = ({ value, type, variablesReference, memoryReference }: Variable): ReturnType<Scopes["evaluate"]> => ({
  result: value,
  variablesReference,
  ...(type === undefined ? {} : { type }),
  ...(memoryReference === undefined ? {} : { memoryReference }),
});

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

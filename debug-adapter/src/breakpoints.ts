// Breakpoints of the protocol: lines, instructions, functions, hooks, helpers, map entries, with conditions. It runs the machine only to continue.
import type { DebugProtocol } from "@vscode/debugprotocol";
import { helperByName } from "../../core/catalog/index.ts";
import { CodedError } from "../../core/base/index.ts";
import {
  entryWatch,
  evaluate,
  functionAt,
  keyBytes,
  lineAt,
  numberOf,
  sameFile,
  slotsOfLine,
  type Halt,
  type WatchedEntry,
} from "../../core/debug/index.ts";
import type { Program } from "../../core/vm/index.ts";
import { parseReference } from "./disassembly.ts";
import { inlinedCopies } from "./frames.ts";
import type { Runtime } from "./runtime.ts";
import { Scopes } from "./scopes.ts";

type Breakpoint = DebugProtocol.Breakpoint;
interface Spot {
  readonly program: Program;
  readonly slot: number;
  readonly condition: string | undefined;
}
/** What the client asked for, to be asked again after a restart. */
export interface Requests {
  readonly lines: ReadonlyMap<string, DebugProtocol.SetBreakpointsArguments>;
  readonly instructions: DebugProtocol.SetInstructionBreakpointsArguments | undefined;
  readonly functions: DebugProtocol.SetFunctionBreakpointsArguments | undefined;
  readonly data: DebugProtocol.SetDataBreakpointsArguments | undefined;
}

export class Breakpoints {
  /** Whether the next step is one of instructions. */
  byInstruction = false;
  readonly #runtime: Runtime;
  readonly #hooksFromLaunch: readonly string[];
  readonly #scopes: Scopes;
  readonly #lines = new Map<string, readonly Spot[]>();
  readonly #asked = new Map<string, DebugProtocol.SetBreakpointsArguments>();
  #last: Omit<Requests, "lines"> = { instructions: undefined, functions: undefined, data: undefined };
  #instructions: readonly Spot[] = [];
  #functions: readonly Spot[] = [];
  #hooks: readonly string[] = [];

  constructor(runtime: Runtime, hooksFromLaunch: readonly string[]) {
    this.#runtime = runtime;
    this.#hooksFromLaunch = hooksFromLaunch;
    this.#scopes = new Scopes(runtime);
  }
  get #programs(): readonly Program[] {
    return this.#runtime.kernel.machine.programs;
  }
  #all(): Spot[] {
    return [...[...this.#lines.values()].flat(), ...this.#instructions, ...this.#functions];
  }
  /** Puts all breakpoints into the programs. */
  arm(): void {
    for (const program of this.#programs) {
      this.#runtime.debugger.setBreakpoints(
        program,
        this.#all()
          .filter((s) => s.program === program)
          .map((s) => s.slot),
      );
    }
  }
  clear(): void {
    for (const program of this.#programs) this.#runtime.debugger.setBreakpoints(program, []);
    this.#runtime.debugger.setWatches([]);
  }

  // ---- asking ----
  requests(): Requests {
    return { lines: new Map(this.#asked), ...this.#last };
  }
  repeat(r: Requests): void {
    for (const a of r.lines.values()) this.setLines(a);
    if (r.instructions) this.setInstructions(r.instructions);
    if (r.functions) this.setFunctions(r.functions);
    if (r.data) this.setData(r.data);
  }
  setLines(a: DebugProtocol.SetBreakpointsArguments): Breakpoint[] {
    const path = a.source.path ?? a.source.name ?? "";
    this.#asked.set(path, a);
    const spots: Spot[] = [];
    const answers = (a.breakpoints ?? []).map((b): Breakpoint => {
      const found = this.#programs.flatMap((program) => {
        const at = slotsOfLine(program, path, b.line);
        return at ? [{ program, ...at }] : [];
      });
      const line = Math.min(...found.map((f) => f.line));
      const here = found.filter((f) => f.line === line);
      if (here.length === 0)
        return { verified: false, message: "no code of the loaded programs comes from this line or below", line: b.line };
      for (const f of here) for (const slot of f.slots) spots.push({ program: f.program, slot, condition: b.condition });
      return { verified: true, line, source: a.source };
    });
    this.#lines.set(path, spots);
    this.arm();
    return answers;
  }
  setInstructions(a: DebugProtocol.SetInstructionBreakpointsArguments): Breakpoint[] {
    this.#last = { ...this.#last, instructions: a };
    const spots: Spot[] = [];
    const answers = a.breakpoints.map((b): Breakpoint => {
      const at = parseReference(b.instructionReference) + (b.offset ?? 0);
      const program = this.#programs.find((p) => at >= p.code.start && at < p.code.start + 8 * p.insns.length);
      if (!program || (at - program.code.start) % 8) return { verified: false, message: "no instruction is there" };
      spots.push({ program, slot: (at - program.code.start) / 8, condition: b.condition });
      return { verified: true, instructionReference: b.instructionReference };
    });
    this.#instructions = spots;
    this.arm();
    return answers;
  }
  /** Functions by name, inlined ones too; hooks `xdp`, `kprobe:NAME`; helpers `helper:bpf_map_update_elem`. */
  setFunctions(a: DebugProtocol.SetFunctionBreakpointsArguments): Breakpoint[] {
    this.#last = { ...this.#last, functions: a };
    const spots: Spot[] = [];
    const hooks: string[] = [];
    const answers = a.breakpoints.map(({ name, condition }): Breakpoint => {
      const found = name.startsWith("helper:") ? this.#callsOf(name.slice(7)) : this.#functionsNamed(name);
      for (const s of found) spots.push({ ...s, condition });
      if (found.length) return { verified: true };
      if (name.startsWith("helper:"))
        return {
          verified: false,
          message: helperByName(name.slice(7)) ? `no loaded program calls ${name.slice(7)}` : `there is no helper ${name.slice(7)}`,
        };
      hooks.push(name);
      const known = /^(xdp|tc|socket|cgroup_skb|kprobe|tracepoint|raw_tracepoint|tracing|lsm|syscall|perf_event)(:.+)?$/.test(name);
      return known ? { verified: true } : { verified: false, message: `there is no function or hook ${name}` };
    });
    this.#functions = spots;
    this.#hooks = hooks;
    this.arm();
    return answers;
  }
  #functionsNamed(name: string): { program: Program; slot: number }[] {
    return this.#programs.flatMap((program) => {
      const starts = program.subprogStarts.filter((s) => functionAt(program, s).name === name);
      return starts.concat(inlinedCopies(this.#runtime, program, name)).map((slot) => ({ program, slot }));
    });
  }
  #callsOf(helper: string): { program: Program; slot: number }[] {
    const id = helperByName(helper)?.id;
    return this.#programs.flatMap((program) =>
      program.insns.flatMap((insn, slot) => (insn.code === 0x85 && insn.src === 0 && insn.imm === id ? [{ program, slot }] : [])),
    );
  }
  /** Map entries: data id `map:NAME:HEXKEY`, as dataBreakpointInfo gives it. */
  setData(a: DebugProtocol.SetDataBreakpointsArguments): Breakpoint[] {
    this.#last = { ...this.#last, data: a };
    const entries: WatchedEntry[] = [];
    const answers = a.breakpoints.map(({ dataId }): Breakpoint => {
      const entry = this.#entry(dataId);
      if (!entry) return { verified: false, message: `${dataId} is no map entry` };
      entries.push(entry);
      return { verified: true };
    });
    this.#runtime.debugger.setWatches(entries.map(entryWatch));
    return answers;
  }
  #entry(dataId: string): WatchedEntry | undefined {
    const m = /^map:(.+):([0-9a-f]*)$/.exec(dataId);
    const view = m ? this.#runtime.mapView(m[1]!) : undefined;
    if (!m || !view || m[2]!.length !== 2 * view.keySize) return undefined;
    const key = new Uint8Array(view.keySize).map((_, i) => parseInt(m[2]!.slice(2 * i, 2 * i + 2), 16));
    return {
      map: view.name,
      mapAt: this.#runtime.mapAddress(view.name),
      key,
      keyText: this.#scopes.keyText(view, key),
      valueSize: view.valueSize,
      valueAt: () => view.find(key),
    };
  }
  /** The data id of a map entry: `name` is `map["key"]`, `map[1]`, or an entry shown under a map. */
  dataInfo(a: DebugProtocol.DataBreakpointInfoArguments, scopes: Scopes): DebugProtocol.DataBreakpointInfoResponse["body"] {
    const m = /^(\w[\w.]*)\[(?:"(.*)"|(-?\w+))\]$/.exec(a.name) ?? this.#entryOf(a, scopes);
    const view = m ? this.#runtime.mapView(m[1]!) : undefined;
    if (!m || !view) return { dataId: null, description: 'only map entries can be watched: map[key] or map["key"]' };
    const key = keyBytes(view.keySize, m[2] ?? BigInt(m[3]!));
    return {
      dataId: `map:${view.name}:${[...key].map((b) => b.toString(16).padStart(2, "0")).join("")}`,
      description: `${view.name}[${scopes.keyText(view, key)}] is about to change`,
      accessTypes: ["write"],
    };
  }
  /** An entry named `[key]` under the variables reference of a map. */
  #entryOf(a: DebugProtocol.DataBreakpointInfoArguments, scopes: Scopes): RegExpExecArray | null {
    if (a.variablesReference === undefined || !a.name.startsWith("[")) return null;
    const names = scopes
      .variables(a.variablesReference)
      .map((v) => v.name)
      .join();
    const map = this.#runtime.mapNames().find((n) => {
      const view = this.#runtime.mapView(n)!;
      return (
        view
          .entries()
          .slice(0, 1000)
          .map((e) => `[${scopes.keyText(view, e.key)}]`)
          .join() === names
      );
    });
    return map === undefined ? null : /^(.+?)\[(?:"(.*)"|(-?\w+))\]$/.exec(`${map}${a.name}`);
  }
  locations(a: DebugProtocol.BreakpointLocationsArguments): DebugProtocol.BreakpointLocation[] {
    const path = a.source.path ?? a.source.name ?? "";
    const lines = new Set<number>();
    for (const p of this.#programs) {
      p.insns.forEach((_, i) => {
        const l = lineAt(p, i);
        if (l && sameFile(l.file, path) && l.line >= a.line && l.line <= (a.endLine ?? a.line)) lines.add(l.line);
      });
    }
    return [...lines].sort((x, y) => x - y).map((line) => ({ line }));
  }

  // ---- running ----
  /** The asked-for hook among those that the event begins at. */
  hookOf(hooks: readonly string[]): string | undefined {
    return hooks.find((h) => this.#hooks.includes(h) || this.#hooksFromLaunch.includes(h));
  }
  /** Whether a breakpoint with a true condition is at the current instruction. */
  standsOnOne(): boolean {
    const { machine } = this.#runtime.kernel;
    return this.#all().some((s) => s.program === machine.program && s.slot === machine.pc && this.#holds(s.condition));
  }
  #holds(condition: string | undefined): boolean {
    if (condition === undefined || condition === "") return true;
    try {
      const scope = this.#scopes.expressionScope(0);
      return numberOf(evaluate(condition, scope), scope) !== 0n;
    } catch (e) {
      if (e instanceof CodedError) return true;
      throw e;
    }
  }
  /** Runs on, past breakpoints whose condition is false. */
  continue(): Halt {
    for (;;) {
      const halt = this.#runtime.debugger.continue();
      if (halt.reason !== "breakpoint" || this.standsOnOne()) return halt;
    }
  }
}

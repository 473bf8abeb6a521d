// The debug session: requests of the Debug Adapter Protocol answered by the runtime. It reads nothing but through the host.
import { DebugSession, ExitedEvent, InitializedEvent, OutputEvent, StoppedEvent, TerminatedEvent, Thread } from "@vscode/debugadapter";
import type { DebugProtocol } from "@vscode/debugprotocol";
import { bug, CodedError } from "../../core/base/index.ts";
import { lineAt, type Halt } from "../../core/debug/index.ts";
import { Breakpoints } from "./breakpoints.ts";
import { disassembleAt, parseReference } from "./disassembly.ts";
import type { Host } from "./host.ts";
import { callStack } from "./frames.ts";
import { planLaunch, type LaunchArguments } from "./launch.ts";
import { Runtime } from "./runtime.ts";
import { Scopes } from "./scopes.ts";

const THREAD = 1;
const CAPABILITIES: DebugProtocol.Capabilities = {
  supportsConfigurationDoneRequest: true,
  supportsFunctionBreakpoints: true,
  supportsInstructionBreakpoints: true,
  supportsDataBreakpoints: true,
  supportsSteppingGranularity: true,
  supportsStepBack: true,
  supportsRestartRequest: true,
  supportsDisassembleRequest: true,
  supportsReadMemoryRequest: true,
  supportsWriteMemoryRequest: true,
  supportsSetVariable: true,
  supportsEvaluateForHovers: true,
  supportsConditionalBreakpoints: true,
  supportsTerminateRequest: true,
  supportsBreakpointLocationsRequest: true,
};
/** Handlers get typed arguments and give the response's body; what they throw becomes the response's message. */
type Handler = (args: never) => unknown;

interface Running {
  readonly runtime: Runtime;
  readonly scopes: Scopes;
  readonly breakpoints: Breakpoints;
}

/** One client's session. Give it streams with `start`, or use it inline in the extension. */
export class BeelineSession extends DebugSession {
  readonly #host: Host;
  #launch: LaunchArguments | undefined;
  #running: Running | undefined;
  #configured = false;
  #begun = false;
  #failed = false;
  /** Whether the machine stands still in the middle of a run, so that it can be moved on. */
  #standing = false;

  constructor(host: Host) {
    super();
    this.#host = host;
    this.setDebuggerLinesStartAt1(true);
    this.setDebuggerColumnsStartAt1(true);
  }

  protected override dispatchRequest(request: DebugProtocol.Request): void {
    const handler = (this.#handlers as Record<string, Handler | undefined>)[request.command];
    if (!handler) return super.dispatchRequest(request);
    const response: DebugProtocol.Response = {
      seq: 0,
      type: "response",
      request_seq: request.seq,
      command: request.command,
      success: true,
    };
    void this.#answer(handler, request, response);
  }
  async #answer(handler: Handler, request: DebugProtocol.Request, response: DebugProtocol.Response): Promise<void> {
    try {
      if (GO[request.command] && !this.#standing)
        throw new CodedError("not-stopped", "the program is not stopped: it has ended or has not begun");
      const body = await handler((request.arguments ?? {}) as never);
      if (body !== undefined) response.body = body;
      this.sendResponse(response);
    } catch (e) {
      const text = e instanceof Error ? e.message : String(e);
      this.sendErrorResponse(response, { id: 1, format: "{_text}", variables: { _text: text }, showUser: request.command === "launch" });
      return;
    }
    try {
      this.#after(request.command);
    } catch (e) {
      this.#output(`${e instanceof Error ? e.message : String(e)}\n`, "stderr");
      this.#failed = true;
      this.#end(true);
    }
  }
  /** What follows a response: the first stop, or running on. */
  #after(command: string): void {
    if (command === "disconnect") return this.shutdown();
    if (command === "launch" && this.#running) this.sendEvent(new InitializedEvent());
    if (
      (command === "launch" || command === "configurationDone" || command === "restart") &&
      this.#running &&
      this.#configured &&
      !this.#begun
    ) {
      this.#begun = true;
      this.#nextEvent();
    }
    const go = GO[command];
    if (go && this.#running) this.#halted(go(this.#running));
  }

  readonly #handlers = {
    initialize: (): DebugProtocol.Capabilities => CAPABILITIES,
    launch: async (args: LaunchArguments): Promise<void> => {
      this.#launch = args;
      await this.#load();
    },
    configurationDone: (): void => {
      this.#configured = true;
    },
    restart: async (args: { arguments?: LaunchArguments }): Promise<void> => {
      if (args.arguments) this.#launch = args.arguments;
      const wanted = this.#need().breakpoints.requests();
      await this.#load();
      this.#need().breakpoints.repeat(wanted);
    },
    disconnect: (): void => this.#end(),
    terminate: (): void => {
      this.#end();
      this.sendEvent(new TerminatedEvent());
    },
    threads: () => ({ threads: [new Thread(THREAD, "CPU 0")] }),
    setBreakpoints: (a: DebugProtocol.SetBreakpointsArguments) => ({ breakpoints: this.#need().breakpoints.setLines(a) }),
    setInstructionBreakpoints: (a: DebugProtocol.SetInstructionBreakpointsArguments) => ({
      breakpoints: this.#need().breakpoints.setInstructions(a),
    }),
    setFunctionBreakpoints: (a: DebugProtocol.SetFunctionBreakpointsArguments) => ({
      breakpoints: this.#need().breakpoints.setFunctions(a),
    }),
    setDataBreakpoints: (a: DebugProtocol.SetDataBreakpointsArguments) => ({ breakpoints: this.#need().breakpoints.setData(a) }),
    dataBreakpointInfo: (a: DebugProtocol.DataBreakpointInfoArguments) => this.#need().breakpoints.dataInfo(a, this.#need().scopes),
    breakpointLocations: (a: DebugProtocol.BreakpointLocationsArguments) => ({ breakpoints: this.#need().breakpoints.locations(a) }),
    setExceptionBreakpoints: () => ({ breakpoints: [] }),
    stackTrace: (a: DebugProtocol.StackTraceArguments) => this.#stackTrace(a),
    scopes: (a: DebugProtocol.ScopesArguments) => ({ scopes: this.#need().scopes.scopes(a.frameId) }),
    variables: (a: DebugProtocol.VariablesArguments) => ({ variables: this.#need().scopes.variables(a.variablesReference) }),
    setVariable: (a: DebugProtocol.SetVariableArguments) => ({
      value: this.#need().scopes.setVariable(a.variablesReference, a.name, a.value),
    }),
    evaluate: (a: DebugProtocol.EvaluateArguments) => this.#need().scopes.evaluate(a.expression, a.frameId ?? 0),
    disassemble: (a: DebugProtocol.DisassembleArguments) => ({
      instructions: disassembleAt(this.#need().runtime, a, (file) => this.#pathOf(file)),
    }),
    readMemory: (a: DebugProtocol.ReadMemoryArguments) => this.#readMemory(a),
    writeMemory: (a: DebugProtocol.WriteMemoryArguments) => this.#writeMemory(a),
    pause: (): void => {},
    continue: () => ({ allThreadsContinued: true }),
    next: (a: DebugProtocol.NextArguments): void => this.#granularity(a.granularity),
    stepIn: (a: DebugProtocol.StepInArguments): void => this.#granularity(a.granularity),
    stepOut: (): void => {},
    stepBack: (a: DebugProtocol.StepBackArguments): void => this.#granularity(a.granularity),
    reverseContinue: (): void => {},
  };
  #granularity(g: DebugProtocol.SteppingGranularity | undefined): void {
    const { runtime, breakpoints } = this.#need();
    const { machine } = runtime.kernel;
    breakpoints.byInstruction = g === "instruction" || !lineAt(machine.program, machine.pc);
  }

  #need(): Running {
    if (this.#running) return this.#running;
    throw new CodedError("not-launched", "nothing is launched");
  }
  async #load(): Promise<void> {
    const args = this.#launch ?? bug("no launch arguments");
    const plan = await planLaunch(args, this.#host);
    if (plan.warning !== undefined) this.#output(`${plan.warning}\n`, "stderr");
    const runtime = new Runtime(plan, args);
    this.#running = { runtime, scopes: new Scopes(runtime), breakpoints: new Breakpoints(runtime, args.stopAtHooks ?? []) };
    this.#begun = this.#failed = this.#standing = false;
  }

  // ---- running ----
  /** Starts the next event, or ends the session when there is none. */
  #nextEvent(): void {
    const running = this.#need();
    const { runtime, breakpoints } = running;
    try {
      if (!runtime.nextEvent()) return this.#end(true);
    } catch (e) {
      if (!(e instanceof CodedError)) throw e;
      this.#output(`${e.message}\n`, "stderr");
      this.#failed = true;
      return this.#end(true);
    }
    breakpoints.arm();
    running.scopes.reset();
    const hook = breakpoints.hookOf(runtime.hooks());
    if (hook !== undefined) return this.#stopped("function breakpoint", `at hook ${hook}`);
    if (this.#launch?.stopOnEntry && runtime.eventNumber === 1) return this.#stopped("entry");
    if (breakpoints.standsOnOne()) return this.#stopped("breakpoint");
    this.#halted(breakpoints.continue());
  }
  #halted(halt: Halt): void {
    const running = this.#need();
    this.#standing = false;
    running.scopes.reset();
    for (const line of running.runtime.takeOutput()) this.#output(line.endsWith("\n") ? line : `${line}\n`, "stdout");
    for (const line of running.runtime.takeWarnings()) this.#output(`${line}\n`, "important");
    switch (halt.reason) {
      case "end":
        return this.#eventEnded(halt);
      case "data":
        return this.#stopped("data breakpoint", halt.what);
      case "history":
        return this.#stopped("step", "start of the history");
      default:
        return this.#stopped(halt.reason);
    }
  }
  #eventEnded(halt: Extract<Halt, { reason: "end" }>): void {
    const { runtime } = this.#need();
    const result = runtime.endEvent(halt);
    this.#output(`${result.text}\n`, result.ok ? "console" : "stderr");
    if (!result.ok) this.#failed = true;
    this.#nextEvent();
  }
  #end(tell = false): void {
    this.#standing = false;
    this.#running?.breakpoints.clear();
    if (!tell) return;
    this.sendEvent(new ExitedEvent(this.#failed ? 1 : 0));
    this.sendEvent(new TerminatedEvent());
  }
  #stopped(reason: string, text?: string): void {
    this.#standing = true;
    const event = new StoppedEvent(reason, THREAD) as DebugProtocol.StoppedEvent;
    event.body.allThreadsStopped = true;
    if (text !== undefined) [event.body.description, event.body.text] = [text, text];
    this.sendEvent(event);
  }
  #output(text: string, category: "console" | "important" | "stdout" | "stderr"): void {
    this.sendEvent(new OutputEvent(text, category));
  }

  // ---- looking ----
  #stackTrace(a: DebugProtocol.StackTraceArguments): DebugProtocol.StackTraceResponse["body"] {
    const { runtime } = this.#need();
    const frames = callStack(runtime).map(({ program, pc, name, file, line, column }, id): DebugProtocol.StackFrame => ({
      id,
      name,
      line,
      column,
      instructionPointerReference: reference(program.code.start + 8 * pc),
      ...(file ? { source: { name: file.split("/").at(-1)!, path: this.#pathOf(file) } } : { presentationHint: "subtle" as const }),
    }));
    const from = a.startFrame ?? 0;
    return { stackFrames: frames.slice(from, a.levels ? from + a.levels : undefined), totalFrames: frames.length };
  }
  /** A path that the client can open: as in the line info, or the source of the launch when that is the same file. */
  #pathOf(file: string): string {
    const { source, program } = this.#launch!;
    const opened = source ?? program;
    if (file.split("/").at(-1) === opened.split("/").at(-1)) return opened;
    return file.startsWith("/") || /^[A-Za-z]:/.test(file)
      ? file
      : `${opened.slice(0, opened.lastIndexOf("/") + 1)}${file.replace(/^(\.\/)+/, "")}`;
  }
  #readMemory(a: DebugProtocol.ReadMemoryArguments): DebugProtocol.ReadMemoryResponse["body"] {
    const { memory } = this.#need().runtime.kernel;
    const at = parseReference(a.memoryReference) + (a.offset ?? 0);
    const region = memory.regionAt(at);
    const readable = region ? Math.max(0, Math.min(a.count, memory.end[region.id]! - at)) : 0;
    return {
      address: reference(at),
      unreadableBytes: a.count - readable,
      ...(readable ? { data: toBase64(memory.read(at, readable)) } : {}),
    };
  }
  #writeMemory(a: DebugProtocol.WriteMemoryArguments): DebugProtocol.WriteMemoryResponse["body"] {
    const { memory } = this.#need().runtime.kernel;
    const at = parseReference(a.memoryReference) + (a.offset ?? 0);
    const bytes = fromBase64(a.data);
    const region = memory.regionAt(at);
    if (!region || region.kind === "code" || at + bytes.length > memory.end[region.id]!)
      throw new CodedError("bad-memory", `${bytes.length} bytes at ${reference(at)} cannot be written`);
    memory.write(at, bytes);
    return { bytesWritten: bytes.length };
  }
}

/** Commands that move the machine. */
const GO: Readonly<Record<string, (r: Running) => Halt>> = {
  continue: (r) => r.breakpoints.continue(),
  next: (r) => (r.breakpoints.byInstruction ? r.runtime.debugger.stepInstruction(true) : r.runtime.debugger.stepLine("over")),
  stepIn: (r) => (r.breakpoints.byInstruction ? r.runtime.debugger.stepInstruction() : r.runtime.debugger.stepLine("in")),
  stepOut: (r) => r.runtime.debugger.stepLine("out"),
  stepBack: (r) => (r.breakpoints.byInstruction ? r.runtime.debugger.stepBackInstruction() : r.runtime.debugger.stepBackLine()),
  reverseContinue: (r) => r.runtime.debugger.reverseContinue(),
};

const reference = (at: number): string => `0xffff8881${at.toString(16).padStart(8, "0")}`;

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
/** Base 64 of bytes; hosts differ in what they offer for it. */
export function toBase64(bytes: Uint8Array): string {
  let out = "";
  for (let i = 0; i < bytes.length; i += 3) {
    const n = (bytes[i]! << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0);
    out +=
      ALPHABET[n >> 18]! +
      ALPHABET[(n >> 12) & 63]! +
      (i + 1 < bytes.length ? ALPHABET[(n >> 6) & 63]! : "=") +
      (i + 2 < bytes.length ? ALPHABET[n & 63]! : "=");
  }
  return out;
}
export function fromBase64(text: string): Uint8Array {
  const digits = [...text].map((c) => ALPHABET.indexOf(c)).filter((d) => d >= 0);
  const out = new Uint8Array(Math.floor((digits.length * 3) / 4));
  for (let i = 0; i < out.length; i++) {
    const bit = i * 8,
      d = Math.floor(bit / 6),
      shift = bit % 6;
    out[i] = (((digits[d]! << 6) | (digits[d + 1] ?? 0)) >> (4 - shift)) & 255;
  }
  return out;
}

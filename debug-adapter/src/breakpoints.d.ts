import type { DebugProtocol } from "@vscode/debugprotocol";
import { type Halt } from "../../core/debug/index.ts";
import type { Runtime } from "./runtime.ts";
import { Scopes } from "./scopes.ts";
type Breakpoint = DebugProtocol.Breakpoint;
/** What the client asked for, to be asked again after a restart. */
export interface Requests {
    readonly lines: ReadonlyMap<string, DebugProtocol.SetBreakpointsArguments>;
    readonly instructions: DebugProtocol.SetInstructionBreakpointsArguments | undefined;
    readonly functions: DebugProtocol.SetFunctionBreakpointsArguments | undefined;
    readonly data: DebugProtocol.SetDataBreakpointsArguments | undefined;
}
export declare class Breakpoints {
    #private;
    /** Whether the next step is one of instructions. */
    byInstruction: boolean;
    constructor(runtime: Runtime, hooksFromLaunch: readonly string[]);
    /** Puts all breakpoints into the programs. */
    arm(): void;
    clear(): void;
    requests(): Requests;
    repeat(r: Requests): void;
    setLines(a: DebugProtocol.SetBreakpointsArguments): Breakpoint[];
    setInstructions(a: DebugProtocol.SetInstructionBreakpointsArguments): Breakpoint[];
    /** Functions by name; hooks `xdp`, `kprobe:NAME`; helpers `helper:bpf_map_update_elem`. */
    setFunctions(a: DebugProtocol.SetFunctionBreakpointsArguments): Breakpoint[];
    /** Map entries: data id `map:NAME:HEXKEY`, as dataBreakpointInfo gives it. */
    setData(a: DebugProtocol.SetDataBreakpointsArguments): Breakpoint[];
    /** The data id of a map entry: `name` is `map["key"]`, `map[1]`, or an entry shown under a map. */
    dataInfo(a: DebugProtocol.DataBreakpointInfoArguments, scopes: Scopes): DebugProtocol.DataBreakpointInfoResponse["body"];
    locations(a: DebugProtocol.BreakpointLocationsArguments): DebugProtocol.BreakpointLocation[];
    /** The asked-for hook among those that the event begins at. */
    hookOf(hooks: readonly string[]): string | undefined;
    /** Whether a breakpoint with a true condition is at the current instruction. */
    standsOnOne(): boolean;
    /** Runs on, past breakpoints whose condition is false. */
    continue(): Halt;
}
export {};

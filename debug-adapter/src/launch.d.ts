import type { DebugProtocol } from "@vscode/debugprotocol";
import { type EventSpec } from "../../core/kernel/index.ts";
import { type Btf, type ObjectSpec, type ProgramSpec } from "../../core/object/index.ts";
import type { Host } from "./host.ts";
/** An event in the launch configuration: text (`kprobe:do_unlinkat arg0=1`) or an object. */
export type LaunchEvent = string | {
    packet?: string;
    ctx?: string;
    kprobe?: {
        function?: string;
        args?: (number | string)[];
        ret?: number | string;
    };
    tracepoint?: {
        name?: string;
        fields?: Record<string, number | string>;
    };
    args?: (number | string)[];
    task?: {
        pid?: number;
        tgid?: number;
        uid?: number;
        gid?: number;
        comm?: string;
    };
};
/** `request: "launch"` of type `beeline`. */
export interface LaunchArguments extends DebugProtocol.LaunchRequestArguments {
    program: string;
    /** Name of the program in the file; `entry` means the same. */
    programName?: string;
    entry?: string;
    /** The source that `program` was built from, when it was. */
    source?: string;
    packet?: string;
    pcap?: string;
    ctx?: string;
    event?: LaunchEvent;
    events?: LaunchEvent[];
    /** Initial entries of maps by name: key to value; a number, text, or `hex:...`. */
    maps?: Record<string, Record<string, number | string>>;
    stopOnEntry?: boolean;
    /** Hooks (`xdp`, `kprobe:NAME`) at whose start to stop. */
    stopAtHooks?: string[];
    cpus?: number;
    seed?: number;
}
/** A launch ready to run. */
export interface LaunchPlan {
    readonly object: ObjectSpec;
    readonly program: ProgramSpec;
    readonly events: readonly EventSpec[];
    readonly kernelBtf: Btf | undefined;
}
/** Reads everything that the configuration names. Throws CodedError with a message for the user. */
export declare function planLaunch(args: LaunchArguments, host: Host): Promise<LaunchPlan>;

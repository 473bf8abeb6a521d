import { Debugger, type Halt, type MapView } from "../../core/debug/index.ts";
import { SimKernel, type EventSpec, type LoadedProgram } from "../../core/kernel/index.ts";
import type { LaunchArguments, LaunchPlan } from "./launch.ts";
/** How one event ended, for the user. */
export interface EventResult {
    readonly text: string;
    readonly ok: boolean;
}
export declare class Runtime {
    #private;
    readonly plan: LaunchPlan;
    readonly kernel: SimKernel;
    readonly program: LoadedProgram;
    readonly debugger: Debugger;
    constructor(plan: LaunchPlan, args: LaunchArguments);
    get event(): EventSpec;
    get eventNumber(): number;
    /** Sets up the next event; false when there is none. */
    nextEvent(): boolean;
    /** Names of hooks that the current event begins at. */
    hooks(): string[];
    /** Tells how the event ended and gives its context up. */
    endEvent(halt: Extract<Halt, {
        reason: "end";
    }>): EventResult;
    /** Lines that programs printed since the last call; after a step back the ones that are new again. */
    takeOutput(): string[];
    mapNames(): string[];
    mapView(name: string): MapView | undefined;
    mapAddress(name: string): number;
}

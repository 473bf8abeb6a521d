import type { DebugProtocol } from "@vscode/debugprotocol";
import { type LocalsProvider, type MapView, type Scope, type TypedValue } from "../../core/debug/index.ts";
import type { Runtime } from "./runtime.ts";
type Variable = DebugProtocol.Variable;
export declare class Scopes {
    #private;
    constructor(runtime: Runtime, locals?: LocalsProvider);
    /** Forgets all references: the machine has moved. */
    reset(): void;
    /** The scopes of the frame `up` calls above the innermost. */
    scopes(up: number): DebugProtocol.Scope[];
    variables(reference: number): Variable[];
    /** Sets a child of a container; the new text. */
    setVariable(reference: number, name: string, text: string): string;
    registerValue(up: number, reg: number): bigint;
    /** Variables of the object's data sections. */
    globals(): TypedValue[];
    /** A key as a person reads it. */
    keyText(view: MapView, key: Uint8Array): string;
    expressionScope(up: number): Scope;
    /** Evaluates and shows an expression. */
    evaluate(text: string, up: number): {
        result: string;
        type?: string;
        variablesReference: number;
        memoryReference?: string;
    };
}
export {};

import { DebugSession } from "@vscode/debugadapter";
import type { DebugProtocol } from "@vscode/debugprotocol";
import type { Host } from "./host.ts";
/** One client's session. Give it streams with `start`, or use it inline in the extension. */
export declare class BeelineSession extends DebugSession {
    #private;
    constructor(host: Host);
    protected dispatchRequest(request: DebugProtocol.Request): void;
}
/** Base 64 of bytes; hosts differ in what they offer for it. */
export declare function toBase64(bytes: Uint8Array): string;
export declare function fromBase64(text: string): Uint8Array;

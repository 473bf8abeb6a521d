// Debugging of the machine: breakpoints, steps, history, values by type, packets by layers. No protocol, no editor.
export { Debugger, type Halt, type InlinedDepth } from "./debugger.ts";
export { functionAt, lineAt, sameFile, slotsOfLine } from "./lines.ts";
export { frameBytes } from "./frame-size.ts";
export { addressOf, childrenOf, offsetOf, textOf, type Peek, type TypedValue } from "./typed.ts";
export { registerAt } from "./registers.ts";
export { parseLayers, type PacketField, type PacketLayer } from "./layers.ts";
export { evaluate, keyBytes, numberOf, type MapView, type Scope, type Value } from "./expr.ts";
export { entryWatch, type WatchedEntry } from "./watch.ts";
export { Locals, type LocalsHost, type LocalVariable } from "./locals.ts";

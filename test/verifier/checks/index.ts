// All fixtures of the verifier's checks. Data only.
import type { Fixture } from "./program.ts";
import { MEMORY } from "./memory.ts";
import { CONTROL } from "./control.ts";
import { STACK } from "./stack.ts";
export { ANSWERS } from "./answers.ts";

export const FIXTURES: readonly Fixture[] = [...MEMORY, ...STACK, ...CONTROL];

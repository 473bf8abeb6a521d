// All fixtures of the verifier's checks. Data only.
import type { Fixture } from "./program.ts";
import { CAPABILITIES } from "./capabilities.ts";
import { MALFORMED } from "./malformed.ts";
import { POINTERS } from "./pointers.ts";
import { LOCKS } from "./locks.ts";
import { TYPED } from "./typed.ts";
import { MEMORY } from "./memory.ts";
import { ATTACH } from "./attach.ts";
import { CONTROL } from "./control.ts";
import { FUNCTIONS } from "./calls.ts";
import { DYNPTR } from "./dynptr.ts";
import { HELPERS } from "./helpers.ts";
import { GRAPH } from "./graph.ts";
import { KFUNCS } from "./kfuncs.ts";
import { LOAD } from "./load.ts";
import { SPECULATION } from "./speculation.ts";
import { STACK } from "./stack.ts";
export { ANSWERS } from "./answers.ts";
export { UNPRIVILEGED } from "./capabilities.ts";

const FIXTURES: readonly Fixture[] = [
  ...MEMORY,
  ...STACK,
  ...CONTROL,
  ...FUNCTIONS,
  ...LOAD,
  ...HELPERS,
  ...DYNPTR,
  ...SPECULATION,
  ...KFUNCS,
  ...GRAPH,
  ...ATTACH,
  ...MALFORMED,
  ...POINTERS,
  ...LOCKS,
  ...TYPED,
  ...CAPABILITIES,
];

/** Each fixture by its name, `CHECK/N`. */
export const NAMED: readonly (readonly [name: string, fixture: Fixture])[] = FIXTURES.map((f, i) => [
  `${f.check}/${FIXTURES.slice(0, i).filter((g) => g.check === f.check).length}`,
  f,
]);

// All cases that are run here and by the running kernel. Data only.
import type { RunCase } from "../run-cases.ts";
import { ARENA_CASES } from "./arena.ts";
import { DYNPTR_CASES } from "./dynptr.ts";
import { HOOK_CASES } from "./hooks.ts";
import { MORE_CASES } from "./more.ts";
import { NETWORK_CASES } from "./network.ts";
import { OBJECT_CASES } from "./objects.ts";
import { SKB_CASES } from "./skb.ts";
import { SYSTEM_CASES } from "./system.ts";

export const CASES: readonly RunCase[] = [
  ...SKB_CASES,
  ...DYNPTR_CASES,
  ...SYSTEM_CASES,
  ...OBJECT_CASES,
  ...NETWORK_CASES,
  ...MORE_CASES,
  ...HOOK_CASES,
  ...ARENA_CASES,
];

// All simulated helpers by number. What is not here traps with its name.
import { MAP_HELPERS } from "./map.ts";
import { PACKET_HELPERS } from "./packet.ts";
import { SYSTEM_HELPERS } from "./system.ts";
import { TRACE_HELPERS } from "./trace.ts";
import { DYNPTR_HELPERS } from "./dynptr.ts";
import { FIB_HELPERS } from "./fib.ts";
import { HOOK_HELPERS } from "./hook.ts";
import { KERNEL_INFO_HELPERS } from "./kernel-info.ts";
import { PERCPU_HELPERS } from "./percpu.ts";
import { PERF_HELPERS } from "./perf.ts";
import { SEQ_HELPERS } from "./seq.ts";
import { SEG6_HELPERS } from "./seg6.ts";
import { SKB_HELPERS } from "./skb.ts";
import { SOCKET_HELPERS } from "./socket.ts";
import { SOCKMAP_HELPERS } from "./sockmap.ts";
import { SOCKOPT_HELPERS } from "./sockopt.ts";
import { STACK_HELPERS } from "./stack.ts";
import { STORAGE_HELPERS } from "./storage.ts";
import { TASK_HELPERS } from "./task.ts";
import { TCP_HELPERS } from "./tcp.ts";
import { TIMER_HELPERS } from "./timer.ts";
import { TUNNEL_HELPERS } from "./tunnel.ts";
import type { HelperTable } from "./types.ts";

export const HELPER_IMPLS: HelperTable = {
  ...MAP_HELPERS,
  ...SYSTEM_HELPERS,
  ...TRACE_HELPERS,
  ...PACKET_HELPERS,
  ...DYNPTR_HELPERS,
  ...FIB_HELPERS,
  ...HOOK_HELPERS,
  ...KERNEL_INFO_HELPERS,
  ...PERCPU_HELPERS,
  ...PERF_HELPERS,
  ...SEQ_HELPERS,
  ...SEG6_HELPERS,
  ...SKB_HELPERS,
  ...SOCKET_HELPERS,
  ...SOCKMAP_HELPERS,
  ...SOCKOPT_HELPERS,
  ...STACK_HELPERS,
  ...STORAGE_HELPERS,
  ...TASK_HELPERS,
  ...TCP_HELPERS,
  ...TIMER_HELPERS,
  ...TUNNEL_HELPERS,
};
/** Numbers of the helpers that run, ascending. */
export const SIMULATED_HELPERS: readonly number[] = Object.keys(HELPER_IMPLS)
  .map(Number)
  .sort((a, b) => a - b);

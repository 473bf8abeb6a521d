// What belongs to one run of a program: its context, the packet or task behind it, what redirect helpers recorded. It runs nothing.
import type { Trap } from "../vm/index.ts";
import type { SlowObject } from "./contexts/context.ts";
import type { SkBuff } from "./contexts/skb.ts";
import type { XdpContext } from "./contexts/xdp.ts";
import type { BpfMap } from "./maps/map.ts";
import { INIT_TASK, type Task } from "./task.ts";

/** Where a redirect helper sends the packet. */
export interface Redirect {
  readonly ifindex: number;
  readonly flags: number;
  readonly map?: BpfMap;
  readonly index?: number;
  /** ingress, egress, peer or neighbour of redirect helpers of TC. */
  readonly kind: "device" | "peer" | "neigh" | "map";
}

/** State of the current run; replaced as a whole, so that a saved one stays as it was. */
export class RunState {
  ctx: SlowObject | undefined;
  /** Address of the context in linear memory, 0 without one. */
  ctxAt = 0;
  skb: SkBuff | undefined;
  xdp: XdpContext | undefined;
  task: Task = INIT_TASK;
  redirect: Redirect | undefined;
  /** Address of the probed function for bpf_get_func_ip. */
  funcIp = 0n;
  attachCookie = 0n;
  /** Arguments and return value of the traced function, where there is one. */
  args: readonly bigint[] = [];
  retval: bigint | undefined;
  trap: Trap | undefined;
}

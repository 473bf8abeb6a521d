// What belongs to one run of a program: its context, the packet or task behind it, what redirect helpers recorded. It runs nothing.
import type { Region, Trap } from "../vm/index.ts";
import type { SlowObject } from "./contexts/context.ts";
import type { Message } from "./contexts/message.ts";
import type { SkBuff } from "./contexts/skb.ts";
import type { XdpContext } from "./contexts/xdp.ts";
import type { BpfMap } from "./maps/map.ts";
import type { SimSocket } from "./objects/index.ts";
import { INIT_TASK, type Task } from "./task.ts";

/** Where a redirect helper sends the packet. */
export interface Redirect {
  readonly ifindex: number;
  readonly flags: number;
  readonly map?: BpfMap;
  readonly index?: number;
  /** ingress, egress, peer or neighbour of redirect helpers of TC; socket of sockmap helpers. */
  readonly kind: "device" | "peer" | "neigh" | "map" | "socket";
  readonly socket?: SimSocket;
}

/** What a hook of sysctl, sockopt, LSM and sockets gives its program and gets back. Text is without NUL. */
export interface HookState {
  /** sysctl: name below /proc/sys, value that is there, value that is being written. */
  readonly sysctl?: { readonly name: string; readonly current: string; readonly written?: string; readonly replaced?: string };
  /** What bpf_set_retval set; 0 at first. */
  readonly retval?: number;
  /** Socket that bpf_sk_assign or bpf_sk_select_reuseport chose. */
  readonly chosen?: SimSocket | undefined;
  /** sk_msg: bytes that a verdict covers, bytes to wait for. */
  readonly applyBytes?: number;
  readonly corkBytes?: number;
  /** LSM: bits of bpf_bprm_opts_set. */
  readonly bprmFlags?: number;
  /** kprobe: result that bpf_override_return forces. */
  readonly override?: bigint;
  /** sock_ops: TCP options of the packet, and room that is reserved in the next one. */
  readonly headerOptions?: Uint8Array;
  readonly reservedOptions?: number;
  /** sock_addr of Unix sockets: the path that the program put in. */
  readonly sunPath?: Uint8Array;
  /** sock_ops: whether the packet's sending is to be time-stamped. */
  readonly txTimestamp?: boolean;
  /** lirc: keys and moves that were reported. */
  readonly remote?: readonly string[];
  /** xdp: hash, time stamp and VLAN tag that the device found. */
  readonly rxMetadata?: {
    readonly hash?: number;
    readonly hashType?: number;
    readonly timestamp?: bigint;
    readonly vlanTci?: number;
    readonly vlanProto?: number;
  };
}

/** Memory that is given back when the next run begins. */
export interface Scratch {
  readonly region: Region;
  readonly rest: Scratch | undefined;
}
/** Keeps a region until the run of `state` is over. */
export function keepForRun(state: RunState, region: Region): Region {
  state.scratch = { region, rest: state.scratch };
  return region;
}

const NO_HOOK: HookState = {};
const NO_STORAGE: ReadonlyMap<number, number> = new Map();

/** State of the current run; replaced as a whole, so that a saved one stays as it was. */
export class RunState {
  ctx: SlowObject | undefined;
  /** Address of the context in linear memory, 0 without one. */
  ctxAt = 0;
  skb: SkBuff | undefined;
  xdp: XdpContext | undefined;
  /** The message of a sk_msg program. */
  msg: Message | undefined;
  task: Task = INIT_TASK;
  redirect: Redirect | undefined;
  /** The socket that the event is about. */
  socket: SimSocket | undefined;
  /** Replaced, never changed. */
  hook = NO_HOOK;
  /** Values of cgroup storages of a program that is not attached, by id of the map; replaced, never changed. */
  storage = NO_STORAGE;
  /** True when a cgroup is what the program is attached to: its storages are those of the task's cgroup. */
  attached = false;
  /** Address of the probed function for bpf_get_func_ip. */
  funcIp = 0n;
  attachCookie = 0n;
  /** Arguments and return value of the traced function, where there is one. */
  args: readonly bigint[] = [];
  retval: bigint | undefined;
  /** Return addresses from the innermost outwards, for stack helpers. */
  stack: readonly bigint[] = [];
  trap: Trap | undefined;
  scratch: Scratch | undefined;
  /** The part of `scratch` that was there before the first run. */
  prepared: Scratch | undefined;
  begun = false;

  /** Forgets what a run did, for another run on the same context; what both were given stays. Not for a state whose hook or storage was given. */
  forget(): void {
    this.redirect = undefined;
    this.hook = NO_HOOK;
    this.storage = NO_STORAGE;
    this.trap = undefined;
  }
}

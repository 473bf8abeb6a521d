// TCP congestion control that programs of struct_ops may call: Reno (net/ipv4/tcp_cong.c, 6.18). CUBIC and BBR need the timing of a live connection and are not here.
import type { Machine } from "../../vm/index.ts";
import { socketArg } from "../helpers/args.ts";
import type { SimKernel } from "../kernel.ts";
import { type SimSocket } from "../objects/index.ts";
import { trap } from "../../vm/index.ts";
import { retInt, type KfuncTable } from "./types.ts";

const socketOf = (k: SimKernel, vm: Machine): SimSocket => socketArg(k, vm, 1) ?? trap("bad-argument", "R1 of the call is NULL");
const LEAST_SSTHRESH = 2;

/** Grows the window in slow start; the acknowledged segments that are left over. */
function slowStart(s: SimSocket, acked: number): number {
  const window = s.tcpField("snd_cwnd");
  const grown = Math.min(window + acked, s.tcpField("snd_ssthresh"));
  const left = acked - Math.max(0, grown - window);
  s.setTcpField("snd_cwnd", Math.max(window, grown));
  return Math.max(0, left);
}
/** Grows the window by one for every `every` acknowledged segments. */
function avoid(k: SimKernel, s: SimSocket, every: number, acked: number): void {
  const key = `cwnd count ${s.id}`;
  let count = (k.extra.get(key) as number | undefined) ?? 0;
  let window = s.tcpField("snd_cwnd");
  if (count >= every) {
    count = 0;
    window++;
  }
  count += acked;
  if (every > 0 && count >= every) {
    const more = Math.floor(count / every);
    count -= more * every;
    window += more;
  }
  k.extra.set(key, count);
  s.setTcpField("snd_cwnd", window);
}
function renoAvoid(k: SimKernel, vm: Machine): void {
  const s = socketOf(k, vm);
  let acked = vm.u32(3);
  if (s.tcpField("snd_cwnd") < s.tcpField("snd_ssthresh")) acked = slowStart(s, acked);
  if (acked > 0) avoid(k, s, s.tcpField("snd_cwnd"), acked);
}

export const CONGESTION_KFUNCS: KfuncTable = {
  tcp_slow_start: (k, vm) => retInt(vm, slowStart(socketOf(k, vm), vm.u32(2))),
  tcp_cong_avoid_ai: (k, vm) => avoid(k, socketOf(k, vm), vm.u32(2), vm.u32(3)),
  tcp_reno_cong_avoid: renoAvoid,
  tcp_reno_ssthresh: (k, vm) => retInt(vm, Math.max(socketOf(k, vm).tcpField("snd_cwnd") >>> 1, LEAST_SSTHRESH)),
  tcp_reno_undo_cwnd: (k, vm) => retInt(vm, socketOf(k, vm).tcpField("snd_cwnd")),
};

// Tail calls whose index the kernel masks, for loaders without CAP_PERFMON (do_misc_fixups, 6.18). It masks nothing.
import { EINVAL, type Env } from "../env.ts";

/** The mask is the map's own, so that one call may use one map only. Maps are taken as made by the program's loader (map->bypass_spec_v1). */
export function checkTailCallMaps(env: Env): void {
  if (env.bypassSpecV1) return;
  for (const [insnIdx, map] of env.tailCallMaps)
    if (map === null && env.aux[insnIdx]!.seen) env.fail("tail-call-map", EINVAL, "tail_call abusing map_ptr");
}

// What of the catalog does not run here, with the reason that users are shown: a closed list. Data only.
import { HELPERS, KFUNCS, MAP_TYPE_NAMES } from "../catalog/index.ts";
import { SIMULATED_HELPERS } from "./helpers/index.ts";
import { KFUNC_IMPLS } from "./kfuncs/index.ts";
import { SIMULATED_MAP_TYPES } from "./maps/index.ts";

const TIMING = "it needs the timing of a live TCP connection, which this machine does not have";
const CUBIC = ["init", "recalc_ssthresh", "cong_avoid", "state", "cwnd_event", "acked"].map((f) => `cubictcp_${f}`);
const BBR = ["init", "main", "sndbuf_expand", "undo_cwnd", "cwnd_event", "ssthresh", "min_tso_segs", "set_state"].map((f) => `bbr_${f}`);

/** Reason by name, for every helper, kfunc and map type that traps or is refused. */
export const NOT_SIMULATED: Readonly<Record<string, string>> = {
  ...Object.fromEntries([...CUBIC, ...BBR].map((name) => [name, TIMING])),
};
const helpers = new Set(SIMULATED_HELPERS);
const mapTypes = new Set(SIMULATED_MAP_TYPES);

/** Names of the helpers, kfuncs and map types of the catalog that run here. */
export const SIMULATED: ReadonlySet<string> = new Set([
  ...HELPERS.filter((h) => helpers.has(h.id)).map((h) => h.name),
  ...KFUNCS.filter((k) => k.name in KFUNC_IMPLS).map((k) => k.name),
  ...MAP_TYPE_NAMES.filter((_name, type) => mapTypes.has(type)),
]);

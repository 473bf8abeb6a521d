// Names of program, map and attach types as libbpf, bpftool and this project's raw format spell them. Look-ups only.
import { ATTACH_TYPE, MAP_TYPE, PROG_TYPE } from "./generated/enums.ts";

const lowerNames = (numbers: Readonly<Record<string, number>>): readonly string[] => {
  const names: string[] = [];
  for (const [name, id] of Object.entries(numbers)) names[id] = name.toLowerCase();
  return names;
};

/** Index is enum bpf_prog_type: `socket_filter`, `kprobe`, `sched_cls` ... */
export const PROG_TYPE_NAMES = lowerNames(PROG_TYPE);
/** Index is enum bpf_map_type: `hash`, `array`, `prog_array` ... */
export const MAP_TYPE_NAMES = lowerNames(MAP_TYPE);
/** Index is enum bpf_attach_type: `cgroup_inet_ingress`, `xdp`, `trace_fentry` ... */
export const ATTACH_TYPE_NAMES = lowerNames(ATTACH_TYPE);

const finder = (names: readonly string[]) => {
  const byName = new Map(names.map((name, id) => [name, id]));
  return (name: string): number | undefined => byName.get(name);
};
/** Number of a program type by its lower-case name, undefined when there is none. */
export const progTypeByName = finder(PROG_TYPE_NAMES);
/** Number of a map type by its lower-case name, undefined when there is none. */
export const mapTypeByName = finder(MAP_TYPE_NAMES);
/** Number of an attach type by its lower-case name, undefined when there is none. */
export const attachTypeByName = finder(ATTACH_TYPE_NAMES);

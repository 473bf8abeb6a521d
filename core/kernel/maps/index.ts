// Makes a map of the asked type, with the checks of its attributes (map_alloc_check of each type, 6.18). A type that is not simulated is an error with its name.
import { MAP_TYPE, MAP_TYPE_NAMES } from "../../catalog/index.ts";
import { CodedError } from "../../base/index.ts";
import type { MapSpec } from "../../object/index.ts";
import { ArrayMap, PercpuArrayMap } from "./array.ts";
import { checkMap } from "./check.ts";
import { HashMap } from "./hash.ts";
import type { BpfMap, MapHost } from "./map.ts";
import { ProgArrayMap } from "./prog-array.ts";

type Maker = (id: number, spec: MapSpec, host: MapHost) => BpfMap;

const MAKERS: Readonly<Record<number, Maker>> = {
  [MAP_TYPE.HASH]: (id, spec, host) => new HashMap(id, spec, host, { percpu: false, lru: false }),
  [MAP_TYPE.PERCPU_HASH]: (id, spec, host) => new HashMap(id, spec, host, { percpu: true, lru: false }),
  [MAP_TYPE.LRU_HASH]: (id, spec, host) => new HashMap(id, spec, host, { percpu: false, lru: true }),
  [MAP_TYPE.LRU_PERCPU_HASH]: (id, spec, host) => new HashMap(id, spec, host, { percpu: true, lru: true }),
  [MAP_TYPE.ARRAY]: (id, spec, host) => new ArrayMap(id, spec, host),
  [MAP_TYPE.PERCPU_ARRAY]: (id, spec, host) => new PercpuArrayMap(id, spec, host),
  [MAP_TYPE.PROG_ARRAY]: (id, spec, host) => new ProgArrayMap(id, spec, host),
};

/** A new map, or a negative errno for attributes that the kernel refuses. Throws CodedError `unsupported-map-type`. */
export function makeMap(id: number, spec: MapSpec, host: MapHost): BpfMap | number {
  const maker = MAKERS[spec.type];
  const error = checkMap(spec, host.cpus);
  if (error) return error;
  if (!maker) throw new CodedError("unsupported-map-type", `map ${spec.name}: type ${MAP_TYPE_NAMES[spec.type] ?? spec.type} is not simulated`);
  return maker(id, spec, host);
}
export type { BpfMap, MapHost, SysResult } from "./map.ts";

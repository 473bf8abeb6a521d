// What runs and what does not: every helper, kfunc and map type of the catalog is simulated or has a reason, never both.
import { describe, expect, it } from "vitest";
import { HELPERS, KFUNCS, MAP_TYPE_NAMES } from "../../core/catalog/index.ts";
import { NOT_SIMULATED, SIMULATED, SimKernel } from "../../core/kernel/index.ts";
import { measuredKfunc } from "../../core/kernel/kfuncs/index.ts";
import { TrapSignal } from "../../core/vm/index.ts";

const names = (list: readonly { readonly name: string }[]): string[] => list.map((x) => x.name);

describe("the catalog", () => {
  it("runs but for a closed list", () => {
    const all = [...names(HELPERS), ...names(KFUNCS), ...MAP_TYPE_NAMES.slice(1)];
    expect(all.filter((name) => SIMULATED.has(name) === name in NOT_SIMULATED)).toEqual([]);
    expect(Object.keys(NOT_SIMULATED).filter((name) => !all.includes(name))).toEqual([]);
  });
  it("runs all 211 helpers, all 33 map types and all but 14 of 203 kfuncs", () => {
    expect(HELPERS.filter((h) => SIMULATED.has(h.name)).length).toBe(211);
    expect(MAP_TYPE_NAMES.slice(1).filter((name) => SIMULATED.has(name)).length).toBe(33);
    expect([KFUNCS.length, KFUNCS.filter((k) => SIMULATED.has(k.name)).length]).toEqual([203, 189]);
  });
  it("traps with the name of what does not run", () => {
    const kernel = new SimKernel({ maxBytes: 1 << 22 });
    for (const name of Object.keys(NOT_SIMULATED)) {
      const { btfId } = KFUNCS.find((k) => k.name === name)!;
      expect(measuredKfunc(btfId, 0)).toBe(name);
      const call = (): void => kernel.kfunc(kernel.machine, btfId, 0);
      expect(call).toThrow(TrapSignal);
      expect(call).toThrow(name);
    }
  });
});

// Blocks on memory that is not the stack: map values, packets, contexts, ring buffer records, dynptrs. Each leaves the state as State says.
import {
  addImm,
  addReg,
  andImm,
  call,
  EXIT,
  fill,
  ldImm64,
  mapPointer,
  movImm,
  movReg,
  SIZES,
  spill,
  stackPointer,
  type Draft,
} from "./drafts.ts";
import { alu, atomicAt } from "./numbers.ts";
import { SCHED_CLS, SOCKET_FILTER, XDP, type State } from "./state.ts";
import { DIRECT, LOOKED_UP, MAPS, RINGBUF } from "./types.ts";

/** Leaves the function where it may be left: `r0 = 0; exit`. */
export const leave: Draft[] = [movImm(0, 0), EXIT];
export const mayLeave = (s: State): boolean => s.held === 0;

/** One access, or a few, to `size` bytes at `reg`; it may move `reg`. r0 stays as it is unless it is loaded. */
export function useMemory(s: State, reg: number, size: number, how: { write: boolean; atomics: boolean }): Draft[] {
  const [code, bytes] = s.pick(SIZES.filter(([, b]) => b <= size));
  const room = size - bytes + (s.slip(15) ? 6 : 1);
  const off = s.rnd(3) ? bytes * s.rnd(Math.max(1, Math.floor((room + bytes - 1) / bytes))) : s.rnd(room);
  const load = (): Draft => [(code !== 0x18 && !s.rnd(4) ? 0x81 : 0x61) | code, s.index() ?? 0, reg, off, 0];
  switch (how.write ? s.rnd(7) : 6 + s.rnd(2)) {
    case 0:
    case 1:
      return [[0x62 | code, reg, 0, off, s.imm()]];
    case 2:
      return how.atomics && off + 8 <= size ? [atomicAt(s, reg, off & ~7)] : [load()];
    case 3:
      return [[0x63 | code, reg, s.index() ?? s.num(), off, 0]];
    case 4:
      return s.withSlots(1, (at) => [spill(at, reg), ...alu(s), fill(3, at), [0x61 | code, s.dst(), 3, off, 0]]);
    case 5:
      return [[0x63 | code, reg, s.index() ?? s.num(), off, 0], load()];
    case 6:
      return varying(s, reg, size);
    default:
      return [load()];
  }
}
/** An access at an index that is bounded in one of several ways. */
function varying(s: State, reg: number, size: number): Draft[] {
  const index = s.index();
  if (index === undefined || size < 8) return [[0x71, 0, reg, s.rnd(size), 0]];
  const most = s.pick([3, 7, 15, 31].filter((m) => m < size));
  const off = s.rnd(size - most) + (s.slip(12) ? 4 : 0);
  const bounds: Draft[][] = [
    [andImm(index, most)],
    [[0x54, index, 0, 0, most]],
    [[0x94, index, 0, 0, most + 1], andImm(index, most)],
    [[0x25, index, 0, 1, most], [0x05, 0, 0, 1, 0], movImm(index, s.rnd(most))],
    [[0x26, index, 0, 1, most], [0x05, 0, 0, 1, 0], movImm(index, s.rnd(most)), [0xbc, index, index, 0, 0]],
    [[0x77, index, 0, 0, 64 - Math.floor(Math.log2(most + 1))]],
    [[0x74, index, 0, 0, 32 - Math.floor(Math.log2(most + 1))]],
    [[0x65, index, 0, 1, most], [0x75, index, 0, 1, 0], andImm(index, most)],
  ];
  const copied = s.rnd(3) === 0;
  const copy = copied ? [movReg(5, index)] : [];
  return [...s.pick(bounds), ...copy, movReg(4, reg), addReg(4, copied ? 5 : index), [0x71, s.dst(), 4, off, 0]];
}

// ---------------------------------------------------------------- maps

/** r1 and r2 for a helper on `map`: a key on the stack. */
export function mapKey(s: State, map: number): Draft[] {
  const size = MAPS[map]![1];
  const write: Draft = size === 8 ? [0x7a, 10, 0, -8, s.rnd(6)] : s.rnd(4) ? [0x62, 10, 0, -4, s.rnd(5)] : [0x63, 10, s.num(), -4, 0];
  return [...(s.slip(25) ? [] : [write]), ...stackPointer(2, -size), ...mapPointer(1, map)];
}
const writable = { write: true, atomics: true };
export function mapValue(s: State): Draft[] {
  const map = s.pick(LOOKED_UP);
  const size = MAPS[map]![2];
  const use = useMemory(s, 0, size, writable);
  const more = use.some((d) => d[1] === 0 && (d[0] & 7) !== 3 && (d[0] & 7) !== 2)
    ? []
    : useMemory(s, 0, size, { write: true, atomics: false });
  const whole = [...use, ...more];
  const guard: Draft[] = s.slip(12) ? [] : [s.rnd(2) ? [0x15, 0, 0, whole.length, 0] : [0x55, 0, 0, 1, 0]];
  const skip: Draft[] = guard.length && guard[0]![0] === 0x55 ? [[0x05, 0, 0, whole.length, 0]] : [];
  return [...mapKey(s, map), call(1), ...guard, ...skip, ...whole, ...(s.slip(3) ? [] : [movImm(0, s.rnd(3))])];
}
/** A value that stays in one of r7 to r9. */
export function keepValue(s: State): Draft[] {
  const reg = s.index();
  if (reg === undefined || s.loops || !mayLeave(s)) return mapValue(s);
  if (!s.rnd(4)) {
    const off = 8 * s.rnd(3);
    s.give(reg, { kind: "value", map: DIRECT });
    return off ? [...ldImm64(reg, 2, DIRECT, off), addImm(reg, -off)] : ldImm64(reg, 2, DIRECT, 0);
  }
  const map = s.pick(LOOKED_UP);
  s.give(reg, { kind: "value", map });
  return [...mapKey(s, map), call(1), [0x55, 0, 0, 2, 0], ...leave, movReg(reg, 0), movImm(0, s.rnd(3))];
}
export function useKept(s: State): Draft[] {
  const values = s.holding("value");
  if (!values.length) return keepValue(s);
  const [reg, { map }] = s.pick(values);
  return useMemory(s, reg, MAPS[map]![2], writable);
}
export function mapChange(s: State): Draft[] {
  const map = s.pick([0, 1, 2, 3, 4]);
  if (s.rnd(3) === 0) return [...mapKey(s, map), call(3)];
  return [...mapKey(s, map), ...stackPointer(3, -64), movImm(4, s.pick([0, 0, 0, 1, 2])), call(2)];
}

// ---------------------------------------------------------------- packets

const bounds = (s: State): readonly [number, number] => (s.type === XDP ? [0, 4] : [76, 80]);
const mayWrite = (s: State): boolean => s.type === XDP || s.type === SCHED_CLS;
/** r2 = the packet, r3 = its end, r4 = `length` bytes into it; and the comparison that jumps by `over` when that is too far. */
function compareEnd(s: State, length: number, over: number): { set: Draft[]; test: Draft } {
  const [data, end] = bounds(s);
  const set: Draft[] = [[0x61, 2, 6, data, 0], [0x61, 3, 6, end, 0], movReg(4, 2), addImm(4, length)];
  const tests: Draft[] = [
    [0x2d, 4, 3, over, 0],
    [0xad, 3, 4, over, 0],
    [0x3d, 4, 3, over, 0],
  ];
  return { set, test: s.pick(tests) };
}
export function packet(s: State): Draft[] {
  if (!s.inMain || s.type === SOCKET_FILTER) return alu(s);
  const length = 1 + s.rnd(40);
  const use = useMemory(s, 2, length, { write: mayWrite(s), atomics: false });
  const { set, test } = compareEnd(s, length, use.length);
  const index = s.index();
  const vary: Draft[] =
    s.rnd(4) || index === undefined ? [] : [andImm(index, s.pick([3, 15, 255])), addReg(2, index), movReg(4, 2), addImm(4, length)];
  return [...set, ...vary, ...(s.slip(15) ? [] : [test]), ...use];
}
export function keepPacket(s: State): Draft[] {
  const reg = s.index();
  if (!s.inMain || s.type === SOCKET_FILTER || reg === undefined || s.loops || !mayLeave(s)) return packet(s);
  const range = 4 + s.rnd(40);
  const { set, test } = compareEnd(s, range, 1);
  s.give(reg, { kind: "packet", range });
  return [...set, test, [0x05, 0, 0, 2, 0], ...leave, movReg(reg, 2)];
}
export function useKeptPacket(s: State): Draft[] {
  const packets = s.holding("packet");
  if (!packets.length) return keepPacket(s);
  const [reg, { range }] = s.pick(packets);
  return useMemory(s, reg, range, { write: mayWrite(s), atomics: false });
}
/** Helpers after which the packet may lie elsewhere. */
export function packetHelper(s: State): Draft[] {
  if (!s.inMain || s.loops || s.held || s.type === SOCKET_FILTER) return alu(s);
  const forget = s.forgetPacket();
  if (s.type === XDP) return [movReg(1, 6), movImm(2, s.pick([-4, 4, 8, 0, 32])), call(s.pick([44, 44, 65])), ...forget];
  const store: Draft[] = [movReg(1, 6), movImm(2, s.rnd(20)), ...stackPointer(3, -16), movImm(4, s.pick([1, 4, 8])), movImm(5, 0), call(9)];
  return [...s.pick([store, [movReg(1, 6), movImm(2, 30 + s.rnd(30)), call(39)]]), ...forget];
}
const CTX_FIELDS: Readonly<Record<number, readonly number[]>> = {
  [XDP]: [12, 16],
  [SCHED_CLS]: [0, 4, 8, 12, 16, 20, 24, 32, 40, 48, 52, 68],
  [SOCKET_FILTER]: [0, 4, 8, 12, 16, 20, 24, 32, 40, 48, 68],
};
export function context(s: State): Draft[] {
  if (!s.inMain) return alu(s);
  const off = s.pick(CTX_FIELDS[s.type]!);
  if (s.type === SCHED_CLS && !s.rnd(3)) return [[0x63, 6, s.num(), s.pick([8, 32, 48, 52]), 0]];
  return [[0x61, s.dst(), 6, off, 0]];
}
/** The old loads from the packet, which end the function when it is too short. */
export function legacyLoad(s: State): Draft[] {
  if (!s.inMain || s.type === XDP || s.held) return context(s);
  const size = s.pick([0x00, 0x08, 0x10]);
  const index = s.index();
  if (index === undefined || s.rnd(2)) return [[0x20 | size, 0, 0, 0, s.rnd(70)]];
  return [andImm(index, s.pick([7, 31])), [0x40 | size, 0, index, 0, s.rnd(30)]];
}
export function loadBytes(s: State): Draft[] {
  if (!s.inMain || s.type === XDP) return alu(s);
  return [movReg(1, 6), movImm(2, s.rnd(20)), ...stackPointer(3, -16), movImm(4, s.pick([1, 4, 8, 16])), call(26)];
}

// ---------------------------------------------------------------- references

export function record(s: State): Draft[] {
  const size = s.pick([8, 16, 24]);
  s.held++;
  const body = s.withSlots(1, (at) => {
    const use = useMemory(s, 5, size, writable);
    return [
      spill(at, 0),
      movReg(5, 0),
      ...use,
      ...(s.rnd(2) ? alu(s) : []),
      fill(1, at),
      ...(s.slip(12) ? [] : [movImm(2, 0), call(s.pick([132, 133]))]),
      movImm(0, 0),
    ];
  });
  s.held--;
  return [...mapPointer(1, RINGBUF), movImm(2, size), movImm(3, 0), call(131), [0x15, 0, 0, body.length, 0], ...body];
}
const DYNPTR = { fromMem: 197, reserve: 198, submit: 199, discard: 200, read: 201, write: 202, data: 203 };
export function dynptr(s: State): Draft[] {
  if (s.slotsLeft < 4) return alu(s);
  return s.withSlots(2, (at) => {
    const access = (): Draft[] =>
      s.rnd(2)
        ? [
            ...stackPointer(1, -16),
            movImm(2, s.pick([1, 8, 16])),
            ...stackPointer(3, at),
            movImm(4, s.rnd(12)),
            movImm(5, 0),
            call(DYNPTR.read),
          ]
        : [
            ...stackPointer(1, at),
            movImm(2, s.rnd(12)),
            ...stackPointer(3, -16),
            movImm(4, s.pick([1, 8, 16])),
            movImm(5, 0),
            call(DYNPTR.write),
          ];
    const slice = (): Draft[] => {
      const use = useMemory(s, 0, 8, { write: true, atomics: false });
      return [
        ...stackPointer(1, at),
        movImm(2, s.rnd(5)),
        movImm(3, 8),
        call(DYNPTR.data),
        [0x15, 0, 0, use.length, 0],
        ...use,
        movImm(0, 0),
      ];
    };
    const uses = [...access(), ...(s.rnd(2) ? slice() : [])];
    const kept = s.holding("value");
    if (kept.length && s.rnd(2)) {
      const [reg, { map }] = s.pick(kept);
      return [movReg(1, reg), movImm(2, s.rnd(MAPS[map]![2]) + 1), movImm(3, 0), ...stackPointer(4, at), call(DYNPTR.fromMem), ...uses];
    }
    const end: Draft[] = s.slip(12)
      ? []
      : [...stackPointer(1, at), movImm(2, 0), call(s.pick([DYNPTR.submit, DYNPTR.discard])), movImm(0, 0)];
    return [
      ...mapPointer(1, RINGBUF),
      movImm(2, s.pick([8, 24])),
      movImm(3, 0),
      ...stackPointer(4, at),
      call(DYNPTR.reserve),
      ...uses,
      ...end,
    ];
  });
}

// Sets of page numbers as ranges that are never changed, and the search for room (kernel/bpf/range_tree.c, 6.18). It holds no pages.

/** Pages from `start` up to, not including, `end`. */
export interface Range {
  readonly start: number;
  readonly end: number;
}
/** With gaps between them, in the order in which they came to be as they are. */
export type Ranges = readonly Range[];

export const has = (set: Ranges, page: number): boolean => set.some((r) => r.start <= page && page < r.end);
/** Whether all of `range` is in the set. */
export const covers = (set: Ranges, range: Range): boolean => set.some((r) => r.start <= range.start && range.end <= r.end);

export function without(set: Ranges, cut: Range): Ranges {
  const isCut = (r: Range): boolean => r.start < cut.end && cut.start < r.end;
  const rests = set.filter(isCut).flatMap((r) => [
    { start: r.start, end: cut.start },
    { start: cut.end, end: r.end },
  ]);
  return [...set.filter((r) => !isCut(r)), ...rests.filter((r) => r.start < r.end)];
}
export function withRange(set: Ranges, more: Range): Ranges {
  const touches = (r: Range): boolean => r.start <= more.end && more.start <= r.end;
  const touching = [more, ...set.filter(touches)];
  const start = Math.min(...touching.map((r) => r.start)),
    end = Math.max(...touching.map((r) => r.end));
  return [...set.filter((r) => !touches(r)), { start, end }];
}
/** The start of the smallest range with room for `count` pages, of equal ones the youngest (range_tree_find; seen on 6.18.44). */
export function roomFor(set: Ranges, count: number): number | undefined {
  let best: Range | undefined;
  for (const r of set) {
    const size = r.end - r.start;
    if (size >= count && (!best || size <= best.end - best.start)) best = r;
  }
  return best?.start;
}

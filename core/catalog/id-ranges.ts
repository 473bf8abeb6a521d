// Sets of small numbers written as ranges, `1-4 7 9-12`: the form of the measured tables. It validates nothing.

/** The numbers of `text`. */
export function parseRanges(text: string): ReadonlySet<number> {
  const set = new Set<number>();
  for (const part of text.split(" ")) {
    const [from, to] = part.split("-").map(Number);
    for (let id = from!; id <= (to ?? from!); id++) set.add(id);
  }
  return set;
}

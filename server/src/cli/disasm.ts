export function run(_: string[]): Promise<number> {
  return Promise.resolve(2);
}

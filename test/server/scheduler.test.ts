// The scheduler: newest work only, older work stopped. It waits on events, not on the clock.
import { expect, it } from "vitest";
import { Scheduler } from "../../server/src/scheduler.ts";

it("runs the newest only and stops what runs", async () => {
  const scheduler = new Scheduler(() => undefined);
  const seen: string[] = [];
  let started!: () => void;
  const running = new Promise<void>((r) => (started = r));
  scheduler.schedule("f", 0, () => Promise.reject(new Error("was replaced and must not run")));
  scheduler.schedule("f", 0, ({ signal }) => {
    started();
    return new Promise((resolve) => signal.addEventListener("abort", () => resolve(void seen.push("first stopped"))));
  });
  await running;
  await new Promise<void>((done) => scheduler.schedule("f", 0, () => Promise.resolve(void (seen.push("second"), done()))));
  expect(seen).toEqual(["first stopped", "second"]);
  scheduler.dispose();
});

it("reports faults, but none of stopped work", async () => {
  const faults: string[] = [];
  let failed!: () => void;
  const failing = new Promise<void>((r) => (failed = r));
  const scheduler = new Scheduler((key) => (faults.push(key), failed()));
  scheduler.schedule("bad", 0, () => Promise.reject(new Error("no")));
  await failing;
  expect(faults).toEqual(["bad"]);
});

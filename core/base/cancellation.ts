// Cooperative cancellation without a clock: the host sets a flag, long loops look at it. It never schedules.

/** Asked every few thousand steps by long computations. */
export interface CancelToken {
  readonly cancelled: boolean;
}
export const NEVER_CANCELLED: CancelToken = { cancelled: false };

/** Thrown by a computation that saw its token cancelled; it leaves no result. */
export class Cancelled extends Error {
  override readonly name = "Cancelled";
}

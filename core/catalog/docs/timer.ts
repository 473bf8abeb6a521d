// Helpers for timers, in our own words. Texts only.
export const TIMER: Readonly<Record<string, string>> = {
  timer_init:
    "Prepares a `struct bpf_timer` that lies in a value of `map`. `flags` names the clock: `CLOCK_MONOTONIC`, `CLOCK_REALTIME` or `CLOCK_BOOTTIME`. Returns `-EBUSY` when the timer has been prepared before, and `-EPERM` when no user-space process holds the map.",
  timer_set_callback:
    "Sets the function of this program that runs when the timer expires. It gets the map, the key and the value that holds the timer, and must return 0.",
  timer_start:
    "Arms a timer to expire after `nsecs` nanoseconds; an armed one is set anew. With `BPF_F_TIMER_ABS` the time is absolute, with `BPF_F_TIMER_CPU_PIN` it expires on this CPU. A timer runs once: start it again in its callback for a period. Deleting the map's entry cancels it.",
  timer_cancel:
    "Stops a timer and waits until a running callback has ended. Returns 1 when it was armed, 0 when not, and `-EDEADLK` when a callback tries to cancel the timer that it runs for.",
};

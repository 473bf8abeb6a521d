// Helpers for time and random numbers, in our own words. Texts only.
export const TIME: Readonly<Record<string, string>> = {
  ktime_get_ns:
    "Nanoseconds since boot, without the time that the system was suspended (CLOCK_MONOTONIC). It never goes backwards, so differences of two calls measure durations.",
  ktime_get_boot_ns:
    "Nanoseconds since boot, with the time that the system was suspended (CLOCK_BOOTTIME). Use it to compare with times of user space that count suspension too.",
  ktime_get_coarse_ns:
    "Like `bpf_ktime_get_ns`, but taken at the last timer tick: cheaper, and exact to a few milliseconds only. Take it for time stamps of many events, not for measuring short spans.",
  ktime_get_tai_ns:
    "International Atomic Time in nanoseconds (CLOCK_TAI): wall-clock time without leap seconds. It follows corrections of the clock and is only as right as the system keeps it.",
  jiffies64: "The kernel's tick counter, 64 bits wide. How long a tick lasts depends on how the kernel was built.",
  get_prandom_u32:
    "A pseudo-random 32-bit number. Good for sampling and spreading load; not fit for keys or anything else that must not be guessed.",
  skb_set_tstamp:
    "Sets the time stamp of a packet and says by which clock it is meant. `tstamp_type` is `BPF_SKB_CLOCK_REALTIME`, `_MONOTONIC` or `_TAI`; a real-time stamp must be 0 here. It serves to schedule delivery together with a queueing discipline that honours time stamps.",
};

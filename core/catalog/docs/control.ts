// Helpers for control flow and concurrency, in our own words. Texts only.
export const CONTROL: Readonly<Record<string, string>> = {
  tail_call:
    "Continues in another program, taken from slot `index` of a program array, and never comes back. The other program gets the same context; the stack and the registers of this one are gone. When the slot is empty, the index is too large or 33 tail calls have been made, execution simply goes on after the call, so handle that case.",
  loop: "Calls a function of this program up to `nr_loops` times with the round's number and `callback_ctx`. The callback returns 0 to go on and 1 to stop. The result is the number of rounds made, or `-E2BIG` for more than 2^23. Since the verifier looks at the body only a few times, this is how long loops are written.",
  spin_lock:
    "Takes a lock that lies in a map value as `struct bpf_spin_lock`. Only one lock may be held at a time, hardly anything may be called until it is released, and every path must release it. Keep the section short: other CPUs wait actively.",
  spin_unlock:
    "Releases the lock that `bpf_spin_lock` took. Every path through the program must come here before it ends or takes another lock.",
  per_cpu_ptr:
    "Address of a per-CPU variable of the kernel (a `__ksym` variable) for the given CPU, or NULL when there is no such CPU. It also takes objects of `bpf_percpu_obj_new`; check the answer before use.",
  this_cpu_ptr: "Address of a per-CPU variable of the kernel for the CPU that the program runs on. It is never NULL.",
};

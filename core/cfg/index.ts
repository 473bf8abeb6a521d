// Control flow of programs: the verifier keeps its own (subprograms, loops, liveness), so this layer is still empty.
export {};

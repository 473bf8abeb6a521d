// States of an open-coded iterator (enum bpf_iter_state). Constants only.
export const BPF_ITER_STATE_INVALID = 0,
  BPF_ITER_STATE_ACTIVE = 1,
  BPF_ITER_STATE_DRAINED = 2;

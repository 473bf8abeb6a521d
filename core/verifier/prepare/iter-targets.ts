// Context arguments of BPF iterators that are more than their C type says (ctx_arg_info of the iterator targets, 6.18). Data only.
import { MEM_RDONLY, PTR_MAYBE_NULL, PTR_TO_BTF_ID, PTR_TO_BUF, PTR_TRUSTED } from "../domain/reg-types.ts";

export interface IterArg {
  readonly off: number;
  readonly type: number;
  readonly struct?: string;
}
const OBJECT = PTR_TO_BTF_ID | PTR_MAYBE_NULL;
const KEY = PTR_TO_BUF | PTR_MAYBE_NULL | MEM_RDONLY;
const VALUE = PTR_TO_BUF | PTR_MAYBE_NULL;

/** By the iterator's name without `bpf_iter_`; offsets in bytes into its context structure. */
export const ITER_CTX_ARGS: Readonly<Record<string, readonly IterArg[]>> = {
  task: [{ off: 8, type: OBJECT | PTR_TRUSTED, struct: "task_struct" }],
  task_file: [
    { off: 8, type: OBJECT, struct: "task_struct" },
    { off: 24, type: OBJECT, struct: "file" },
  ],
  task_vma: [
    { off: 8, type: OBJECT, struct: "task_struct" },
    { off: 16, type: OBJECT, struct: "vm_area_struct" },
  ],
  bpf_map: [{ off: 8, type: OBJECT | PTR_TRUSTED, struct: "bpf_map" }],
  bpf_map_elem: [
    { off: 16, type: KEY },
    { off: 24, type: VALUE },
  ],
  bpf_prog: [{ off: 8, type: OBJECT, struct: "bpf_prog" }],
  bpf_link: [{ off: 8, type: OBJECT, struct: "bpf_link" }],
  cgroup: [{ off: 8, type: OBJECT | PTR_TRUSTED, struct: "cgroup" }],
  bpf_sk_storage_map: [
    { off: 16, type: OBJECT, struct: "sock" },
    { off: 24, type: VALUE },
  ],
  sockmap: [
    { off: 16, type: KEY },
    { off: 24, type: OBJECT, struct: "sock" },
  ],
  tcp: [{ off: 8, type: OBJECT | PTR_TRUSTED, struct: "sock_common" }],
  udp: [{ off: 8, type: OBJECT | PTR_TRUSTED, struct: "udp_sock" }],
  unix: [{ off: 8, type: OBJECT, struct: "unix_sock" }],
  netlink: [{ off: 8, type: OBJECT, struct: "netlink_sock" }],
  ipv6_route: [{ off: 8, type: OBJECT, struct: "fib6_info" }],
  ksym: [{ off: 8, type: OBJECT, struct: "kallsym_iter" }],
  kmem_cache: [{ off: 8, type: OBJECT | PTR_TRUSTED, struct: "kmem_cache" }],
  dmabuf: [{ off: 8, type: OBJECT, struct: "dma_buf" }],
};

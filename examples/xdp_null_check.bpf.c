// XDP with a mistake: the result of the map look-up is used without asking whether it is NULL.
// The verifier's message stands under the line. Put `if (packets)` before it, and the program is accepted.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, __u64);
} per_queue SEC(".maps");

SEC("xdp")
int xdp_count(struct xdp_md *ctx)
{
	__u32 queue = ctx->rx_queue_index;
	__u64 *packets = bpf_map_lookup_elem(&per_queue, &queue);

	*packets += 1;
	return XDP_PASS;
}

char _license[] SEC("license") = "GPL";

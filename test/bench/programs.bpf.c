// Programs for the benchmark of the machine: arithmetic, packet parsing and checksum, a hash over the stack, helper calls, a hash map.
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/in.h>
#include <linux/tcp.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 256);
	__type(key, __u32);
	__type(value, __u64);
} table SEC(".maps");

SEC("xdp")
int nop(struct xdp_md *ctx)
{
	return XDP_PASS;
}

SEC("xdp")
int arithmetic(struct xdp_md *ctx)
{
	__u64 a = ctx->rx_queue_index, b = 0x9e3779b97f4a7c15;

	for (int i = 0; i < 1000; i++) {
		a = a * 6364136223846793005 + b;
		b ^= a >> 29;
		b += a << 7;
		asm volatile("" : "+r"(a), "+r"(b));
	}
	return (__u32)(b >> 32) & 1;
}

SEC("xdp")
int packet(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip = (void *)(eth + 1);
	__u16 *word = (void *)ip;
	__u32 sum = 0;

	if ((void *)(ip + 1) > end || eth->h_proto != bpf_htons(ETH_P_IP))
		return XDP_DROP;
	for (int i = 0; i < 728; i++) {
		if ((void *)(word + 1) > end)
			break;
		sum += *word++;
	}
	sum = (sum & 0xffff) + (sum >> 16);
	return (sum & 1) + 1;
}

SEC("xdp")
int stack_hash(struct xdp_md *ctx)
{
	__u32 w[64], h = ctx->rx_queue_index + 1;

	for (int i = 0; i < 16; i++)
		w[i] = h * (i + 1);
	for (int i = 16; i < 64; i++) {
		__u32 x = w[i - 15], y = w[i - 2];

		w[i] = w[i - 16] + w[i - 7] + ((x >> 7 | x << 25) ^ (x >> 3)) + ((y >> 17 | y << 15) ^ (y >> 10));
	}
	for (int r = 0; r < 8; r++) {
		for (int i = 0; i < 64; i++) {
			h = (h >> 6 | h << 26) + w[i];
			asm volatile("" : "+r"(h));
		}
	}
	return h & 1;
}

SEC("xdp")
int helpers(struct xdp_md *ctx)
{
	__u64 sum = 0;

	for (int i = 0; i < 100; i++)
		sum += bpf_get_smp_processor_id() + i;
	return sum & 1;
}

SEC("xdp")
int lookups(struct xdp_md *ctx)
{
	__u64 sum = 0, one = 1;

	for (__u32 i = 0; i < 100; i++) {
		__u32 key = i & 63;
		__u64 *v = bpf_map_lookup_elem(&table, &key);

		if (v)
			sum += ++*v;
		else
			bpf_map_update_elem(&table, &key, &one, BPF_ANY);
	}
	return sum & 1;
}

char LICENSE[] SEC("license") = "GPL";

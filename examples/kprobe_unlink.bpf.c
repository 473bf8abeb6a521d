// kprobe: counts by process who removes files. Argument 1 of do_unlinkat is the directory's descriptor.
#include <linux/bpf.h>
#include <linux/ptrace.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, __u64);
} removals SEC(".maps");

SEC("kprobe/do_unlinkat")
int BPF_KPROBE(count_unlink, int dirfd)
{
	__u32 pid = bpf_get_current_pid_tgid() >> 32;
	__u64 one = 1, *n = bpf_map_lookup_elem(&removals, &pid);

	if (n)
		__sync_fetch_and_add(n, 1);
	else
		bpf_map_update_elem(&removals, &pid, &one, BPF_ANY);
	return dirfd < 0;
}

char _license[] SEC("license") = "GPL";

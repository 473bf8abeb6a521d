// TC: marks packets by their length and leaves their fate to the stack.
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <bpf/bpf_helpers.h>

const volatile __u32 large = 1000;

SEC("tc")
int tc_mark(struct __sk_buff *skb)
{
	skb->mark = skb->len >= large ? 2 : 1;
	return TC_ACT_OK;
}

char _license[] SEC("license") = "GPL";

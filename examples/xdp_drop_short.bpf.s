# XDP in BPF assembly: drops frames that are too short for an Ethernet header, passes the rest.
	.section	xdp,"ax",@progbits
	.globl	drop_short
	.p2align	3
	.type	drop_short,@function
drop_short:
	r2 = *(u32 *)(r1 + 0)           # ctx->data
	r3 = *(u32 *)(r1 + 4)           # ctx->data_end
	r2 += 14
	r0 = 1                          # XDP_DROP
	if r2 > r3 goto out
	r0 = 2                          # XDP_PASS
out:
	exit
	.size	drop_short, . - drop_short

	.section	license,"aw",@progbits
	.asciz	"GPL"

# XDP in BPF assembly with a mistake: it reads the packet without comparing with data_end.
	.section	xdp,"ax",@progbits
	.globl	bad_read
	.p2align	3
	.type	bad_read,@function
bad_read:
	r2 = *(u32 *)(r1 + 0)           # ctx->data
	r3 = *(u8 *)(r2 + 12)
	r0 = 2
	exit
	.size	bad_read, . - bad_read

	.section	license,"aw",@progbits
	.asciz	"GPL"

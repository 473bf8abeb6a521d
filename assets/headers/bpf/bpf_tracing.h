/* Arguments of traced functions: registers by number, and wrappers that give programs named parameters.
 * Stands in for libbpf's header of that name when the system has none; same names, own text. x86-64 and arm64. */
#pragma once

#include <bpf/bpf_core_read.h>

/* Names of the registers as fields of the structure that a probe gets. */
#if defined(__TARGET_ARCH_x86) || (!defined(__TARGET_ARCH_arm64) && defined(__x86_64__))
#define bpf_regs_(ctx) ((struct pt_regs *)(ctx))
#if defined(__VMLINUX_H__) || defined(__KERNEL__)
#define bpf_reg1_ di
#define bpf_reg2_ si
#define bpf_reg3_ dx
#define bpf_reg4_ cx
#define bpf_reg5_ r8
#define bpf_reg6_ r9
#define bpf_reg_ret_ sp
#define bpf_reg_fp_ bp
#define bpf_reg_rc_ ax
#define bpf_reg_sp_ sp
#define bpf_reg_ip_ ip
#define bpf_sysno_ orig_ax
#else
#define bpf_reg1_ rdi
#define bpf_reg2_ rsi
#define bpf_reg3_ rdx
#define bpf_reg4_ rcx
#define bpf_reg5_ r8
#define bpf_reg6_ r9
#define bpf_reg_ret_ rsp
#define bpf_reg_fp_ rbp
#define bpf_reg_rc_ rax
#define bpf_reg_sp_ rsp
#define bpf_reg_ip_ rip
#define bpf_sysno_ orig_rax
#endif
#define bpf_sysreg4_ r10
#define SYS_PREFIX "__x64_"
#elif defined(__TARGET_ARCH_arm64)
struct pt_regs___arm64 { unsigned long orig_x0; } __attribute__((preserve_access_index));
#define bpf_regs_(ctx) ((struct user_pt_regs *)(ctx))
#define bpf_reg1_ regs[0]
#define bpf_reg2_ regs[1]
#define bpf_reg3_ regs[2]
#define bpf_reg4_ regs[3]
#define bpf_reg5_ regs[4]
#define bpf_reg6_ regs[5]
#define bpf_reg_ret_ regs[30]
#define bpf_reg_fp_ regs[29]
#define bpf_reg_rc_ regs[0]
#define bpf_reg_sp_ sp
#define bpf_reg_ip_ pc
#define bpf_sysno_ regs[8]
#define bpf_sysreg4_ regs[3]
#define SYS_PREFIX "__arm64_"
#else
#error "define __TARGET_ARCH_x86 or __TARGET_ARCH_arm64"
#endif

#define __PT_REGS_CAST(ctx) bpf_regs_(ctx)
#define PT_REGS_PARM1(ctx) (bpf_regs_(ctx)->bpf_reg1_)
#define PT_REGS_PARM2(ctx) (bpf_regs_(ctx)->bpf_reg2_)
#define PT_REGS_PARM3(ctx) (bpf_regs_(ctx)->bpf_reg3_)
#define PT_REGS_PARM4(ctx) (bpf_regs_(ctx)->bpf_reg4_)
#define PT_REGS_PARM5(ctx) (bpf_regs_(ctx)->bpf_reg5_)
#define PT_REGS_PARM6(ctx) (bpf_regs_(ctx)->bpf_reg6_)
#define PT_REGS_RET(ctx) (bpf_regs_(ctx)->bpf_reg_ret_)
#define PT_REGS_FP(ctx) (bpf_regs_(ctx)->bpf_reg_fp_)
#define PT_REGS_RC(ctx) (bpf_regs_(ctx)->bpf_reg_rc_)
#define PT_REGS_SP(ctx) (bpf_regs_(ctx)->bpf_reg_sp_)
#define PT_REGS_IP(ctx) (bpf_regs_(ctx)->bpf_reg_ip_)
#define PT_REGS_PARM1_CORE(ctx) BPF_CORE_READ(bpf_regs_(ctx), bpf_reg1_)
#define PT_REGS_PARM2_CORE(ctx) BPF_CORE_READ(bpf_regs_(ctx), bpf_reg2_)
#define PT_REGS_PARM3_CORE(ctx) BPF_CORE_READ(bpf_regs_(ctx), bpf_reg3_)
#define PT_REGS_PARM4_CORE(ctx) BPF_CORE_READ(bpf_regs_(ctx), bpf_reg4_)
#define PT_REGS_PARM5_CORE(ctx) BPF_CORE_READ(bpf_regs_(ctx), bpf_reg5_)
#define PT_REGS_PARM6_CORE(ctx) BPF_CORE_READ(bpf_regs_(ctx), bpf_reg6_)
#define PT_REGS_RET_CORE(ctx) BPF_CORE_READ(bpf_regs_(ctx), bpf_reg_ret_)
#define PT_REGS_FP_CORE(ctx) BPF_CORE_READ(bpf_regs_(ctx), bpf_reg_fp_)
#define PT_REGS_RC_CORE(ctx) BPF_CORE_READ(bpf_regs_(ctx), bpf_reg_rc_)
#define PT_REGS_SP_CORE(ctx) BPF_CORE_READ(bpf_regs_(ctx), bpf_reg_sp_)
#define PT_REGS_IP_CORE(ctx) BPF_CORE_READ(bpf_regs_(ctx), bpf_reg_ip_)
/* System calls get their fourth argument in another register. */
#ifdef __TARGET_ARCH_arm64
#define PT_REGS_PARM1_SYSCALL(ctx) PT_REGS_PARM1_CORE_SYSCALL(ctx)
#define PT_REGS_PARM1_CORE_SYSCALL(ctx) BPF_CORE_READ((const struct pt_regs___arm64 *)(ctx), orig_x0)
#else
#define PT_REGS_PARM1_SYSCALL(ctx) PT_REGS_PARM1(ctx)
#define PT_REGS_PARM1_CORE_SYSCALL(ctx) PT_REGS_PARM1_CORE(ctx)
#endif
#define PT_REGS_PARM4_SYSCALL(ctx) (bpf_regs_(ctx)->bpf_sysreg4_)
#define PT_REGS_PARM4_CORE_SYSCALL(ctx) BPF_CORE_READ(bpf_regs_(ctx), bpf_sysreg4_)
#define PT_REGS_PARM2_SYSCALL(ctx) PT_REGS_PARM2(ctx)
#define PT_REGS_PARM2_CORE_SYSCALL(ctx) PT_REGS_PARM2_CORE(ctx)
#define PT_REGS_PARM3_SYSCALL(ctx) PT_REGS_PARM3(ctx)
#define PT_REGS_PARM3_CORE_SYSCALL(ctx) PT_REGS_PARM3_CORE(ctx)
#define PT_REGS_PARM5_SYSCALL(ctx) PT_REGS_PARM5(ctx)
#define PT_REGS_PARM5_CORE_SYSCALL(ctx) PT_REGS_PARM5_CORE(ctx)
#define PT_REGS_PARM6_SYSCALL(ctx) PT_REGS_PARM6(ctx)
#define PT_REGS_PARM6_CORE_SYSCALL(ctx) PT_REGS_PARM6_CORE(ctx)
#define PT_REGS_SYSCALL_REGS(ctx) ((struct pt_regs *)PT_REGS_PARM1(ctx))
#define BPF_KPROBE_READ_RET_IP(ip, ctx) bpf_probe_read_kernel(&(ip), sizeof(ip), (void *)(PT_REGS_FP(ctx) + sizeof(ip)))
#define BPF_KRETPROBE_READ_RET_IP(ip, ctx) bpf_probe_read_kernel(&(ip), sizeof(ip), (void *)(PT_REGS_FP(ctx) + sizeof(ip)))

/* --- argument lists: bpf_argsN_(get) is "get(1), get(2), ... get(N)" with a leading comma --- */
#define bpf_args0_(get)
#define bpf_args1_(get) bpf_args0_(get), (void *)get(1)
#define bpf_args2_(get) bpf_args1_(get), (void *)get(2)
#define bpf_args3_(get) bpf_args2_(get), (void *)get(3)
#define bpf_args4_(get) bpf_args3_(get), (void *)get(4)
#define bpf_args5_(get) bpf_args4_(get), (void *)get(5)
#define bpf_args6_(get) bpf_args5_(get), (void *)get(6)
#define bpf_args7_(get) bpf_args6_(get), (void *)get(7)
#define bpf_args8_(get) bpf_args7_(get), (void *)get(8)
#define bpf_args9_(get) bpf_args8_(get), (void *)get(9)
#define bpf_args10_(get) bpf_args9_(get), (void *)get(10)
#define bpf_args11_(get) bpf_args10_(get), (void *)get(11)
#define bpf_args12_(get) bpf_args11_(get), (void *)get(12)
#define bpf_args_(get, args...) bpf_cat2(bpf_cat2(bpf_args, bpf_count(args)), _)(get)

/* A program NAME(kind of context), whose inlined body has the parameters that the author wrote. */
#define bpf_wrapped_(name, context, get, args...)                              \
	name(context *ctx);                                                    \
	static __always_inline typeof(name(0)) name##_body(context *ctx, ##args); \
	typeof(name(0)) name(context *ctx)                                     \
	{                                                                      \
		_Pragma("GCC diagnostic push")                                 \
		_Pragma("GCC diagnostic ignored \"-Wint-conversion\"")         \
		return name##_body(ctx bpf_args_(get, ##args));                \
		_Pragma("GCC diagnostic pop")                                  \
	}                                                                      \
	static __always_inline typeof(name(0)) name##_body(context *ctx, ##args)

#define bpf_from_ctx_(n) ctx[n - 1]
#define bpf_from_ret_(n) PT_REGS_RC(ctx)
#define bpf_from_regs_(n) bpf_cat2(PT_REGS_PARM, n)(ctx)
#define bpf_from_syscall_(n) bpf_cat2(bpf_cat2(PT_REGS_PARM, n), _CORE_SYSCALL)(bpf_regs)

/* tp_btf, fentry, fexit, fmod_ret, lsm, iter, struct_ops: the context is an array of 64-bit arguments. */
#define BPF_PROG(name, args...) bpf_wrapped_(name, unsigned long long, bpf_from_ctx_, ##args)
/* The same for structs by value: types and names in turn. An argument of more than 8 bytes takes two places of the context. */
#define bpf_places_(type) ((sizeof(type) + 7) / 8)
#define bpf_take_(type, at)                                                    \
	({                                                                     \
		union {                                                        \
			type value;                                            \
			unsigned long long place[bpf_places_(type)];           \
		} bpf_arg;                                                     \
		bpf_arg.place[0] = ctx[at];                                    \
		if (bpf_places_(type) > 1)                                     \
			bpf_arg.place[bpf_places_(type) - 1] = ctx[(at) + 1];  \
		bpf_arg.value;                                                 \
	})
#define bpf_takes0_(at)
#define bpf_takes2_(at, type, name) , bpf_take_(type, at)
#define bpf_takes4_(at, type, name, ...) bpf_takes2_(at, type, name) bpf_takes2_((at) + bpf_places_(type), __VA_ARGS__)
#define bpf_takes6_(at, type, name, ...) bpf_takes2_(at, type, name) bpf_takes4_((at) + bpf_places_(type), __VA_ARGS__)
#define bpf_takes8_(at, type, name, ...) bpf_takes2_(at, type, name) bpf_takes6_((at) + bpf_places_(type), __VA_ARGS__)
#define bpf_takes10_(at, type, name, ...) bpf_takes2_(at, type, name) bpf_takes8_((at) + bpf_places_(type), __VA_ARGS__)
#define bpf_takes12_(at, type, name, ...) bpf_takes2_(at, type, name) bpf_takes10_((at) + bpf_places_(type), __VA_ARGS__)
#define bpf_params0_()
#define bpf_params2_(type, name) , type name
#define bpf_params4_(type, name, ...) bpf_params2_(type, name) bpf_params2_(__VA_ARGS__)
#define bpf_params6_(type, name, ...) bpf_params2_(type, name) bpf_params4_(__VA_ARGS__)
#define bpf_params8_(type, name, ...) bpf_params2_(type, name) bpf_params6_(__VA_ARGS__)
#define bpf_params10_(type, name, ...) bpf_params2_(type, name) bpf_params8_(__VA_ARGS__)
#define bpf_params12_(type, name, ...) bpf_params2_(type, name) bpf_params10_(__VA_ARGS__)
#define BPF_PROG2(name, args...)                                               \
	name(unsigned long long *ctx);                                         \
	static __always_inline typeof(name(0)) name##_body(unsigned long long *ctx bpf_cat2(bpf_cat2(bpf_params, bpf_count(args)), _)(args)); \
	typeof(name(0)) name(unsigned long long *ctx)                          \
	{                                                                      \
		return name##_body(ctx bpf_cat2(bpf_cat2(bpf_takes, bpf_count(args)), _)(0, ##args)); \
	}                                                                      \
	static __always_inline typeof(name(0)) name##_body(unsigned long long *ctx bpf_cat2(bpf_cat2(bpf_params, bpf_count(args)), _)(args))
#define BPF_KPROBE(name, args...) bpf_wrapped_(name, struct pt_regs, bpf_from_regs_, ##args)
#define BPF_KRETPROBE(name, args...) bpf_wrapped_(name, struct pt_regs, bpf_from_ret_, ##args)
#define BPF_UPROBE(name, args...) BPF_KPROBE(name, ##args)
#define BPF_URETPROBE(name, args...) BPF_KRETPROBE(name, ##args)

/* Where the kernel wraps system calls, the registers of the call are behind its first argument. */
extern _Bool LINUX_HAS_SYSCALL_WRAPPER __kconfig;
#define BPF_KSYSCALL(name, args...)                                            \
	name(struct pt_regs *ctx);                                             \
	static __always_inline typeof(name(0)) name##_body(struct pt_regs *ctx, ##args); \
	typeof(name(0)) name(struct pt_regs *ctx)                              \
	{                                                                      \
		struct pt_regs *bpf_regs = LINUX_HAS_SYSCALL_WRAPPER ? PT_REGS_SYSCALL_REGS(ctx) : ctx; \
		_Pragma("GCC diagnostic push")                                 \
		_Pragma("GCC diagnostic ignored \"-Wint-conversion\"")         \
		return name##_body(ctx bpf_args_(bpf_from_syscall_, ##args));  \
		_Pragma("GCC diagnostic pop")                                  \
	}                                                                      \
	static __always_inline typeof(name(0)) name##_body(struct pt_regs *ctx, ##args)
#define BPF_KPROBE_SYSCALL BPF_KSYSCALL

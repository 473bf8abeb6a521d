/* What a BPF program in C needs to speak to its loader: sections, map definitions, externs, loops, printing.
 * Stands in for libbpf's header of that name when the system has none; same names, own text. */
#pragma once

#include <bpf/bpf_helper_defs.h>

/* --- sections and linkage --- */
#define SEC(name)                                                              \
	_Pragma("GCC diagnostic push")                                         \
	_Pragma("GCC diagnostic ignored \"-Wignored-attributes\"")             \
	__attribute__((section(name), used))                                   \
	_Pragma("GCC diagnostic pop")
#undef __always_inline
#define __always_inline inline __attribute__((always_inline))
#ifndef __noinline
#define __noinline __attribute__((noinline))
#endif
#ifndef __weak
#define __weak __attribute__((weak))
#endif
#define __hidden __attribute__((visibility("hidden")))
#define __kconfig __attribute__((section(".kconfig")))
#define __ksym __attribute__((section(".ksyms")))

/* --- BTF-defined maps: each member's type carries a value --- */
#define __uint(member, number) int (*member)[number]
#define __ulong(member, number) enum { bpf_cat2(bpf_ulong_, __COUNTER__) = number } member
#define __type(member, ctype) typeof(ctype) *member
#define __array(member, ctype) typeof(ctype) *member[]
enum libbpf_pin_type { LIBBPF_PIN_NONE, LIBBPF_PIN_BY_NAME };
enum libbpf_tristate { TRI_NO = 0, TRI_YES = 1, TRI_MODULE = 2 };

/* --- tags that the verifier reads --- */
#define bpf_tag_type(text) __attribute__((btf_type_tag(text)))
#define bpf_tag_decl(text) __attribute__((btf_decl_tag(text)))
#define __kptr bpf_tag_type("kptr")
#define __kptr_untrusted bpf_tag_type("kptr_untrusted")
#define __percpu_kptr bpf_tag_type("percpu_kptr")
#define __uptr bpf_tag_type("uptr")
#define __arg_ctx bpf_tag_decl("arg:ctx")
#define __arg_nonnull bpf_tag_decl("arg:nonnull")
#define __arg_nullable bpf_tag_decl("arg:nullable")
#define __arg_trusted bpf_tag_decl("arg:trusted")
#define __arg_arena bpf_tag_decl("arg:arena")
#define bpf_ksym_exists(symbol) ({ _Static_assert(!__builtin_constant_p(!!(symbol)), #symbol " must be marked __weak"); !!(symbol); })

/* --- small C utilities --- */
#ifndef NULL
#define NULL ((void *)0)
#endif
#ifndef KERNEL_VERSION
#define KERNEL_VERSION(major, minor, patch) (((major) << 16) + ((minor) << 8) + ((patch) > 255 ? 255 : (patch)))
#endif
#ifndef offsetof
#define offsetof(record, member) __builtin_offsetof(record, member)
#endif
#ifndef container_of
#define container_of(pointer, record, member) ((record *)((void *)(pointer) - offsetof(record, member)))
#endif
#ifndef barrier
#define barrier() asm volatile("" ::: "memory")
#endif
#ifndef barrier_var
#define barrier_var(variable) asm volatile("" : "+r"(variable))
#endif
#ifndef __bpf_unreachable
#define __bpf_unreachable() __builtin_trap()
#endif

/* A tail call whose slot is a constant: registers are set right before the call, so that the kernel can patch in a jump. */
static __always_inline void bpf_tail_call_static(void *ctx, const void *map, const unsigned int slot)
{
	if (!__builtin_constant_p(slot))
		__bpf_unreachable();
	asm volatile("r1 = %0\n\t"
		     "r2 = %1\n\t"
		     "r3 = %2\n\t"
		     "call 12"
		     :: "r"(ctx), "r"(map), "i"(slot)
		     : "r0", "r1", "r2", "r3", "r4", "r5");
}

/* --- counting macro arguments (0 to 12) --- */
#define bpf_cat2_(a, b) a##b
#define bpf_cat2(a, b) bpf_cat2_(a, b)
#define bpf_13th_(a, b, c, d, e, f, g, h, i, j, k, l, m, n, ...) n
#define bpf_count(...) bpf_13th_(_, ##__VA_ARGS__, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0)
/* slots[i] = (unsigned long long)argument i */
#define bpf_put0(s, i)
#define bpf_put1(s, i, x) s[i] = (unsigned long long)(x);
#define bpf_put2(s, i, x, ...) bpf_put1(s, i, x) bpf_put1(s, (i) + 1, __VA_ARGS__)
#define bpf_put3(s, i, x, ...) bpf_put1(s, i, x) bpf_put2(s, (i) + 1, __VA_ARGS__)
#define bpf_put4(s, i, x, ...) bpf_put1(s, i, x) bpf_put3(s, (i) + 1, __VA_ARGS__)
#define bpf_put5(s, i, x, ...) bpf_put1(s, i, x) bpf_put4(s, (i) + 1, __VA_ARGS__)
#define bpf_put6(s, i, x, ...) bpf_put1(s, i, x) bpf_put5(s, (i) + 1, __VA_ARGS__)
#define bpf_put7(s, i, x, ...) bpf_put1(s, i, x) bpf_put6(s, (i) + 1, __VA_ARGS__)
#define bpf_put8(s, i, x, ...) bpf_put1(s, i, x) bpf_put7(s, (i) + 1, __VA_ARGS__)
#define bpf_put9(s, i, x, ...) bpf_put1(s, i, x) bpf_put8(s, (i) + 1, __VA_ARGS__)
#define bpf_put10(s, i, x, ...) bpf_put1(s, i, x) bpf_put9(s, (i) + 1, __VA_ARGS__)
#define bpf_put11(s, i, x, ...) bpf_put1(s, i, x) bpf_put10(s, (i) + 1, __VA_ARGS__)
#define bpf_put12(s, i, x, ...) bpf_put1(s, i, x) bpf_put11(s, (i) + 1, __VA_ARGS__)
#define bpf_with_slots_(call, args...)                                         \
	({                                                                     \
		unsigned long long bpf_slots[bpf_count(args) ?: 1];            \
		_Pragma("GCC diagnostic push")                                 \
		_Pragma("GCC diagnostic ignored \"-Wint-conversion\"")         \
		bpf_cat2(bpf_put, bpf_count(args))(bpf_slots, 0, ##args)       \
		_Pragma("GCC diagnostic pop")                                  \
		call;                                                          \
	})

/* --- printing --- */
#define BPF_SEQ_PRINTF(seq, format, args...)                                   \
	({                                                                     \
		static const char bpf_format[] = format;                       \
		bpf_with_slots_(bpf_seq_printf(seq, bpf_format, sizeof(bpf_format), bpf_slots, 8 * bpf_count(args)), ##args); \
	})
#define BPF_SNPRINTF(out, out_size, format, args...)                           \
	({                                                                     \
		static const char bpf_format[] = format;                       \
		bpf_with_slots_(bpf_snprintf(out, out_size, bpf_format, bpf_slots, 8 * bpf_count(args)), ##args); \
	})
#define bpf_vprintk_(format, args...)                                          \
	({                                                                     \
		static const char bpf_format[] = format;                       \
		bpf_with_slots_(bpf_trace_vprintk(bpf_format, sizeof(bpf_format), bpf_slots, 8 * bpf_count(args)), ##args); \
	})
#ifdef BPF_NO_GLOBAL_DATA
#define bpf_format_store_
#else
#define bpf_format_store_ static const
#endif
#define bpf_print_few_(format, args...)                                        \
	({                                                                     \
		bpf_format_store_ char bpf_format[] = format;                  \
		bpf_trace_printk(bpf_format, sizeof(bpf_format), ##args);      \
	})
#define bpf_print0_ bpf_print_few_
#define bpf_print1_ bpf_print_few_
#define bpf_print2_ bpf_print_few_
#define bpf_print3_ bpf_print_few_
#define bpf_print4_ bpf_vprintk_
#define bpf_print5_ bpf_vprintk_
#define bpf_print6_ bpf_vprintk_
#define bpf_print7_ bpf_vprintk_
#define bpf_print8_ bpf_vprintk_
#define bpf_print9_ bpf_vprintk_
#define bpf_print10_ bpf_vprintk_
#define bpf_print11_ bpf_vprintk_
#define bpf_print12_ bpf_vprintk_
/* Up to three values go by bpf_trace_printk, more by bpf_trace_vprintk. */
#define bpf_printk(format, args...) bpf_cat2(bpf_cat2(bpf_print, bpf_count(args)), _)(format, ##args)

#define __bpf_printk(format, args...) bpf_print_few_(format, ##args)
#define __bpf_vprintk(format, args...) bpf_vprintk_(format, ##args)

/* Names that other headers use to put words together. */
#define ___bpf_concat(a, b) a##b
#define ___bpf_apply(fn, n) ___bpf_concat(fn, n)
#define ___bpf_narg(...) bpf_count(__VA_ARGS__)

/* --- open-coded iterators --- */
struct bpf_iter_num;
extern int bpf_iter_num_new(struct bpf_iter_num *it, int start, int end) __weak __ksym;
extern int *bpf_iter_num_next(struct bpf_iter_num *it) __weak __ksym;
extern void bpf_iter_num_destroy(struct bpf_iter_num *it) __weak __ksym;
/* bpf_for_each(task, p, args...) { ... } walks any iterator kind; its state is destroyed when the loop is left in whatever way. */
#ifndef bpf_for_each
#define bpf_for_each(kind, cursor, args...)                                    \
	for (struct bpf_iter_##kind bpf_it __attribute__((aligned(8), cleanup(bpf_iter_##kind##_destroy))), \
	     *bpf_once __attribute__((unused)) = (bpf_iter_##kind##_new(&bpf_it, ##args), (void)bpf_iter_##kind##_destroy, (void *)0); \
	     ((cursor) = bpf_iter_##kind##_next(&bpf_it));)
#endif
#ifndef bpf_for
#define bpf_for(i, start, end)                                                 \
	for (struct bpf_iter_num bpf_it __attribute__((aligned(8), cleanup(bpf_iter_num_destroy))), \
	     *bpf_once __attribute__((unused)) = (bpf_iter_num_new(&bpf_it, (start), (end)), (void)bpf_iter_num_destroy, (void *)0); \
	     ({                                                                \
		     int *bpf_at = bpf_iter_num_next(&bpf_it);                 \
		     (i) = bpf_at ? *bpf_at : 0;                               \
		     bpf_at && (i) >= (start) && (i) < (end);                  \
	     });)
#endif
#ifndef bpf_repeat
#define bpf_repeat(times)                                                      \
	for (struct bpf_iter_num bpf_it __attribute__((aligned(8), cleanup(bpf_iter_num_destroy))), \
	     *bpf_once __attribute__((unused)) = (bpf_iter_num_new(&bpf_it, 0, (times)), (void)bpf_iter_num_destroy, (void *)0); \
	     bpf_iter_num_next(&bpf_it);)
#endif

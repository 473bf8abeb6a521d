/* Reading kernel memory through field offsets that the loader adapts (CO-RE). Stands in for libbpf's header of that name; own text. */
#pragma once

#include <bpf/bpf_helpers.h>

/* Kinds of __builtin_preserve_field_info, _type_info and _enum_value. */
enum bpf_field_info_kind {
	BPF_FIELD_BYTE_OFFSET = 0,
	BPF_FIELD_BYTE_SIZE = 1,
	BPF_FIELD_EXISTS = 2,
	BPF_FIELD_SIGNED = 3,
	BPF_FIELD_LSHIFT_U64 = 4,
	BPF_FIELD_RSHIFT_U64 = 5,
};
enum bpf_type_id_kind { BPF_TYPE_ID_LOCAL = 0, BPF_TYPE_ID_TARGET = 1 };
enum bpf_type_info_kind { BPF_TYPE_EXISTS = 0, BPF_TYPE_SIZE = 1, BPF_TYPE_MATCHES = 2 };
enum bpf_enum_value_kind { BPF_ENUMVAL_EXISTS = 0, BPF_ENUMVAL_VALUE = 1 };

#define bpf_null_(type) ((typeof(type) *)0)
/* A field is named as an expression (p->f), or as a type and a field. */
#define bpf_field1_(expression) (expression)
#define bpf_field2_(type, member) (bpf_null_(type)->member)
#define bpf_field_(field...) bpf_cat2(bpf_cat2(bpf_field, bpf_count(field)), _)(field)

#define bpf_core_field_exists(field...) __builtin_preserve_field_info(bpf_field_(field), BPF_FIELD_EXISTS)
#define bpf_core_field_size(field...) __builtin_preserve_field_info(bpf_field_(field), BPF_FIELD_BYTE_SIZE)
#define bpf_core_field_offset(field...) __builtin_preserve_field_info(bpf_field_(field), BPF_FIELD_BYTE_OFFSET)
#define bpf_core_type_id_local(type) __builtin_btf_type_id(*bpf_null_(type), BPF_TYPE_ID_LOCAL)
#define bpf_core_type_id_kernel(type) __builtin_btf_type_id(*bpf_null_(type), BPF_TYPE_ID_TARGET)
#define bpf_core_type_exists(type) __builtin_preserve_type_info(*bpf_null_(type), BPF_TYPE_EXISTS)
#define bpf_core_type_matches(type) __builtin_preserve_type_info(*bpf_null_(type), BPF_TYPE_MATCHES)
#define bpf_core_type_size(type) __builtin_preserve_type_info(*bpf_null_(type), BPF_TYPE_SIZE)
#define bpf_core_enum_value_exists(type, value) __builtin_preserve_enum_value(*(typeof(type) *)value, BPF_ENUMVAL_EXISTS)
#define bpf_core_enum_value(type, value) __builtin_preserve_enum_value(*(typeof(type) *)value, BPF_ENUMVAL_VALUE)
#define bpf_core_cast(pointer, type) ((typeof(type) *)bpf_rdonly_cast((pointer), bpf_core_type_id_kernel(type)))
extern void *bpf_rdonly_cast(const void *obj, __u32 btf_id) __ksym __weak;

#define bpf_core_read(to, size, from) bpf_probe_read_kernel(to, size, (const void *)__builtin_preserve_access_index(from))
#define bpf_core_read_user(to, size, from) bpf_probe_read_user(to, size, (const void *)__builtin_preserve_access_index(from))
#define bpf_core_read_str(to, size, from) bpf_probe_read_kernel_str(to, size, (const void *)__builtin_preserve_access_index(from))
#define bpf_core_read_user_str(to, size, from) bpf_probe_read_user_str(to, size, (const void *)__builtin_preserve_access_index(from))

/* Bit fields: load the smallest word that covers the field, then shift. */
#define bpf_core_shift_(record, member, word)                                  \
	({                                                                     \
		word <<= __builtin_preserve_field_info((record)->member, BPF_FIELD_LSHIFT_U64); \
		__builtin_preserve_field_info((record)->member, BPF_FIELD_SIGNED)       \
			? (unsigned long long)((long long)word >> __builtin_preserve_field_info((record)->member, BPF_FIELD_RSHIFT_U64)) \
			: word >> __builtin_preserve_field_info((record)->member, BPF_FIELD_RSHIFT_U64); \
	})
#define BPF_CORE_READ_BITFIELD_PROBED(record, member)                          \
	({                                                                     \
		unsigned long long bpf_word = 0;                               \
		bpf_probe_read_kernel(&bpf_word, bpf_core_field_size((record)->member), (const void *)(record) + bpf_core_field_offset((record)->member)); \
		bpf_core_shift_(record, member, bpf_word);                     \
	})
#define BPF_CORE_READ_BITFIELD(record, member)                                 \
	({                                                                     \
		const void *bpf_at = (const void *)(record) + bpf_core_field_offset((record)->member); \
		unsigned long long bpf_word;                                   \
		switch (bpf_core_field_size((record)->member)) {               \
		case 1: bpf_word = *(const unsigned char *)bpf_at; break;      \
		case 2: bpf_word = *(const unsigned short *)bpf_at; break;     \
		case 4: bpf_word = *(const unsigned int *)bpf_at; break;       \
		default: bpf_word = *(const unsigned long long *)bpf_at; break; \
		}                                                              \
		bpf_core_shift_(record, member, bpf_word);                     \
	})

#define bpf_core_store_(at, ctype, mask, bits) (*(ctype *)(at) = (ctype)((*(ctype *)(at) & ~(mask)) | (bits)))
#define BPF_CORE_WRITE_BITFIELD(record, member, value)                         \
	({                                                                     \
		void *bpf_at = (void *)(record) + bpf_core_field_offset((record)->member); \
		unsigned int bpf_left = __builtin_preserve_field_info((record)->member, BPF_FIELD_LSHIFT_U64); \
		unsigned int bpf_right = __builtin_preserve_field_info((record)->member, BPF_FIELD_RSHIFT_U64); \
		unsigned long long bpf_mask = (~0ULL << bpf_right) >> bpf_left; \
		unsigned long long bpf_bits = ((unsigned long long)(value) << (bpf_right - bpf_left)) & bpf_mask; \
		switch (bpf_core_field_size((record)->member)) {               \
		case 1: bpf_core_store_(bpf_at, unsigned char, bpf_mask, bpf_bits); break; \
		case 2: bpf_core_store_(bpf_at, unsigned short, bpf_mask, bpf_bits); break; \
		case 4: bpf_core_store_(bpf_at, unsigned int, bpf_mask, bpf_bits); break; \
		case 8: bpf_core_store_(bpf_at, unsigned long long, bpf_mask, bpf_bits); break; \
		}                                                              \
	})

/* BPF_CORE_READ(p, a, b.c, d) reads p->a->b.c->d: every step but the last is a pointer, read into a local. */
#define bpf_walk1_(read, last, out, size, p, a) last(out, size, &(p)->a)
#define bpf_walk2_(read, last, out, size, p, a, b) ({ typeof((p)->a) bpf_p2; read(&bpf_p2, sizeof(bpf_p2), &(p)->a); bpf_walk1_(read, last, out, size, bpf_p2, b); })
#define bpf_walk3_(read, last, out, size, p, a, b...) ({ typeof((p)->a) bpf_p3; read(&bpf_p3, sizeof(bpf_p3), &(p)->a); bpf_walk2_(read, last, out, size, bpf_p3, b); })
#define bpf_walk4_(read, last, out, size, p, a, b...) ({ typeof((p)->a) bpf_p4; read(&bpf_p4, sizeof(bpf_p4), &(p)->a); bpf_walk3_(read, last, out, size, bpf_p4, b); })
#define bpf_walk5_(read, last, out, size, p, a, b...) ({ typeof((p)->a) bpf_p5; read(&bpf_p5, sizeof(bpf_p5), &(p)->a); bpf_walk4_(read, last, out, size, bpf_p5, b); })
#define bpf_walk6_(read, last, out, size, p, a, b...) ({ typeof((p)->a) bpf_p6; read(&bpf_p6, sizeof(bpf_p6), &(p)->a); bpf_walk5_(read, last, out, size, bpf_p6, b); })
#define bpf_walk7_(read, last, out, size, p, a, b...) ({ typeof((p)->a) bpf_p7; read(&bpf_p7, sizeof(bpf_p7), &(p)->a); bpf_walk6_(read, last, out, size, bpf_p7, b); })
#define bpf_walk8_(read, last, out, size, p, a, b...) ({ typeof((p)->a) bpf_p8; read(&bpf_p8, sizeof(bpf_p8), &(p)->a); bpf_walk7_(read, last, out, size, bpf_p8, b); })
#define bpf_walk9_(read, last, out, size, p, a, b...) ({ typeof((p)->a) bpf_p9; read(&bpf_p9, sizeof(bpf_p9), &(p)->a); bpf_walk8_(read, last, out, size, bpf_p9, b); })
#define bpf_walk_(read, last, out, size, p, path...) bpf_cat2(bpf_cat2(bpf_walk, bpf_count(path)), _)(read, last, out, size, p, path)

/* The type at the end of a path. */
#define bpf_arrow1_(p, a) (p)->a
#define bpf_arrow2_(p, a, b) (p)->a->b
#define bpf_arrow3_(p, a, b, c) (p)->a->b->c
#define bpf_arrow4_(p, a, b, c, d) (p)->a->b->c->d
#define bpf_arrow5_(p, a, b, c, d, e) (p)->a->b->c->d->e
#define bpf_arrow6_(p, a, b, c, d, e, f) (p)->a->b->c->d->e->f
#define bpf_arrow7_(p, a, b, c, d, e, f, g) (p)->a->b->c->d->e->f->g
#define bpf_arrow8_(p, a, b, c, d, e, f, g, h) (p)->a->b->c->d->e->f->g->h
#define bpf_arrow9_(p, a, b, c, d, e, f, g, h, i) (p)->a->b->c->d->e->f->g->h->i
#define bpf_arrow_(p, path...) bpf_cat2(bpf_cat2(bpf_arrow, bpf_count(path)), _)(p, path)
#define bpf_value_(read, p, path...)                                           \
	({                                                                     \
		typeof(bpf_arrow_(p, path)) bpf_value;                         \
		bpf_walk_(read, read, &bpf_value, sizeof(bpf_value), p, path); \
		bpf_value;                                                     \
	})

#define BPF_CORE_READ_INTO(out, p, path...) bpf_walk_(bpf_core_read, bpf_core_read, out, sizeof(*(out)), p, path)
#define BPF_CORE_READ_USER_INTO(out, p, path...) bpf_walk_(bpf_core_read_user, bpf_core_read_user, out, sizeof(*(out)), p, path)
#define BPF_CORE_READ_STR_INTO(out, p, path...) bpf_walk_(bpf_core_read, bpf_core_read_str, out, sizeof(*(out)), p, path)
#define BPF_CORE_READ_USER_STR_INTO(out, p, path...) bpf_walk_(bpf_core_read_user, bpf_core_read_user_str, out, sizeof(*(out)), p, path)
#define BPF_PROBE_READ_INTO(out, p, path...) bpf_walk_(bpf_probe_read_kernel, bpf_probe_read_kernel, out, sizeof(*(out)), p, path)
#define BPF_PROBE_READ_USER_INTO(out, p, path...) bpf_walk_(bpf_probe_read_user, bpf_probe_read_user, out, sizeof(*(out)), p, path)
#define BPF_PROBE_READ_STR_INTO(out, p, path...) bpf_walk_(bpf_probe_read_kernel, bpf_probe_read_kernel_str, out, sizeof(*(out)), p, path)
#define BPF_PROBE_READ_USER_STR_INTO(out, p, path...) bpf_walk_(bpf_probe_read_user, bpf_probe_read_user_str, out, sizeof(*(out)), p, path)
#define BPF_CORE_READ(p, path...) bpf_value_(bpf_core_read, p, path)
#define BPF_CORE_READ_USER(p, path...) bpf_value_(bpf_core_read_user, p, path)
#define BPF_PROBE_READ(p, path...) bpf_value_(bpf_probe_read_kernel, p, path)
#define BPF_PROBE_READ_USER(p, path...) bpf_value_(bpf_probe_read_user, p, path)

/* Byte order of the network and of the program. Stands in for libbpf's header of that name when the system has none; own text. */
#pragma once

#define bpf_swap16_(x) ((unsigned short)__builtin_bswap16((unsigned short)(x)))
#define bpf_swap32_(x) ((unsigned int)__builtin_bswap32((unsigned int)(x)))
#define bpf_swap64_(x) ((unsigned long long)__builtin_bswap64((unsigned long long)(x)))
#define bpf_same_(x) (x)

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define bpf_htons(x) bpf_swap16_(x)
#define bpf_htonl(x) bpf_swap32_(x)
#define bpf_cpu_to_be64(x) bpf_swap64_(x)
#else
#define bpf_htons(x) bpf_same_(x)
#define bpf_htonl(x) bpf_same_(x)
#define bpf_cpu_to_be64(x) bpf_same_(x)
#endif
#define bpf_ntohs(x) bpf_htons(x)
#define bpf_ntohl(x) bpf_htonl(x)
#define bpf_be64_to_cpu(x) bpf_cpu_to_be64(x)

/* Other names for the same; all of them are constant for constants. */
#define __bpf_htons(x) bpf_htons(x)
#define __bpf_ntohs(x) bpf_ntohs(x)
#define __bpf_htonl(x) bpf_htonl(x)
#define __bpf_ntohl(x) bpf_ntohl(x)
#define __bpf_cpu_to_be64(x) bpf_cpu_to_be64(x)
#define __bpf_be64_to_cpu(x) bpf_be64_to_cpu(x)
#define __bpf_constant_htons(x) bpf_htons(x)
#define __bpf_constant_ntohs(x) bpf_ntohs(x)
#define __bpf_constant_htonl(x) bpf_htonl(x)
#define __bpf_constant_ntohl(x) bpf_ntohl(x)
#define __bpf_constant_cpu_to_be64(x) bpf_cpu_to_be64(x)
#define __bpf_constant_be64_to_cpu(x) bpf_be64_to_cpu(x)
#define ___bpf_swab16(x) bpf_swap16_(x)
#define ___bpf_swab32(x) bpf_swap32_(x)
#define ___bpf_swab64(x) bpf_swap64_(x)

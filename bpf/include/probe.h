/* What programs compiled from expressions share: arithmetic with JavaScript's signs, text, and
 * groups that are added up. */
#ifndef PROBE_H
#define PROBE_H

#include "bpflab.h"

/* a / b towards 0. BPF divides signed numbers only since version 4 of its instructions. By 0 it is 0, which has to be
 * said: where a program divides by b, clang 19 takes it for granted everywhere that b is not 0. */
static __always_inline __s64 trunc_div(__s64 a, __s64 b)
{
	__u64 quotient;

	if (!b)
		return 0;
	quotient = (a < 0 ? -(__u64)a : a) / (b < 0 ? -(__u64)b : b);
	return (a < 0) != (b < 0) ? -quotient : quotient;
}

/* What trunc_div leaves, with the sign of a. */
static __always_inline __s64 remainder_of(__s64 a, __s64 b)
{
	return b ? a - trunc_div(a, b) * b : 0;
}

static __always_inline __s64 floor_div(__s64 a, __s64 b)
{
	__s64 rest = remainder_of(a, b);

	return trunc_div(a, b) - (rest != 0 && (rest < 0) != (b < 0));
}

static __always_inline __s64 ceil_div(__s64 a, __s64 b)
{
	__s64 rest = remainder_of(a, b);

	return trunc_div(a, b) + (rest != 0 && (rest < 0) == (b < 0));
}

/* To the nearest, halves up, as Math.round does. */
static __always_inline __s64 round_div(__s64 a, __s64 b)
{
	__s64 quotient = floor_div(a, b);
	__s64 rest = b ? a - quotient * b : 0;
	__u64 twice = 2 * (rest < 0 ? -(__u64)rest : rest), whole = b < 0 ? -(__u64)b : b;

	return quotient + (b != 0 && twice >= whole);
}

/* The position of the highest bit that is set: slot i counts values from 2^i up to, not including, 2^(i+1). Slot 0
 * also has 0, and what is below it. The verifier knows that it is below 64. */
static __always_inline __u32 log2_slot(__s64 value)
{
	__u32 slot = 0;

	if (value < 0)
		return 0;
#pragma unroll
	for (int bits = 32; bits > 0; bits /= 2) {
		if (value >> bits) {
			slot += bits;
			value >>= bits;
		}
	}
	return slot & 63;
}

/* Slot 0 counts what is below LOW, the last of the SLOTS what is at or above their end; those between are STEP wide. */
static __always_inline __u64 linear_slot(__s64 value, __s64 low, __u64 step, __u64 slots)
{
	__u64 slot = value < low ? 0 : ((__u64)value - (__u64)low) / step + 1;

	barrier_var(slot); /* or the compiler compares before it divides, and the verifier does not follow */
	return slot < slots ? slot : slots - 1;
}

/* Where a function of a program's returns to that has just been entered. Frame pointers do not tell: it has not put that
 * of its caller away yet, and a stack that is followed by them leaves the caller out. */
#ifdef __TARGET_ARCH_x86
#define caller_of(CTX)                                                                                                 \
	({                                                                                                             \
		__u64 __caller = 0;                                                                                    \
		bpf_probe_read_user(&__caller, sizeof(__caller), (const void *)PT_REGS_SP(CTX));                       \
		__caller;                                                                                              \
	})
#else
#define caller_of(CTX) PT_REGS_RET(CTX)
#endif

/* True if the first BYTES of both are the same. */
static __always_inline bool same_bytes(const char *text, const char *wanted, __u32 bytes)
{
#pragma unroll
	for (__u32 i = 0; i < bytes; i++)
		if (text[i] != wanted[i])
			return false;
	return true;
}

/* True if two texts are the same up to their ends; an array that is full has no NUL. */
static __always_inline bool text_same(const char *a, __u32 a_size, const char *b, __u32 b_size)
{
	__u32 both = a_size < b_size ? a_size : b_size;

#pragma unroll
	for (__u32 i = 0; i < both; i++) {
		if (a[i] != b[i])
			return false;
		if (!a[i])
			return true;
	}
	return a_size == b_size || (a_size > b_size ? !a[both] : !b[both]);
}

#define SMALLER(A, B) ((A) < (B) ? (A) : (B))

/* Text in an array of SIZE bytes that is, or begins with, WANTED, a text in quotes. */
#define text_equal(TEXT, WANTED, SIZE) same_bytes(TEXT, WANTED, SMALLER(sizeof(WANTED), SIZE))
#define text_prefix(TEXT, WANTED, SIZE) same_bytes(TEXT, WANTED, sizeof(WANTED) - 1)

/* The same for what a pointer leads to: as much is read as tells a longer text from this one. */
#define pointed_text(SPACE, AT, WANTED, SIZE, TEST)                                                                    \
	({                                                                                                             \
		char __text[SMALLER(sizeof(WANTED) + 1, SIZE)] = {};                                                   \
		bpf_probe_read_##SPACE##_str(__text, sizeof(__text), (const void *)(AT));                              \
		TEST(__text, WANTED, sizeof(__text));                                                                  \
	})
#define user_text_equal(AT, WANTED, SIZE) pointed_text(user, AT, WANTED, SIZE, text_equal)
#define user_text_prefix(AT, WANTED, SIZE) pointed_text(user, AT, WANTED, SIZE, text_prefix)
#define kernel_text_equal(AT, WANTED, SIZE) pointed_text(kernel, AT, WANTED, SIZE, text_equal)
#define kernel_text_prefix(AT, WANTED, SIZE) pointed_text(kernel, AT, WANTED, SIZE, text_prefix)

/* And for an array inside of a struct, reached as BPF_CORE_READ does. */
#define core_text(WANTED, SIZE, TEST, ...)                                                                             \
	({                                                                                                             \
		char __text[SIZE] = {};                                                                                \
		BPF_CORE_READ_STR_INTO(&__text, __VA_ARGS__);                                                          \
		TEST(__text, WANTED, SIZE);                                                                            \
	})
#define core_text_equal(WANTED, SIZE, ...) core_text(WANTED, SIZE, text_equal, __VA_ARGS__)
#define core_text_prefix(WANTED, SIZE, ...) core_text(WANTED, SIZE, text_prefix, __VA_ARGS__)

/* This CPU's share of a group's totals in the per-CPU hash MAP, made from NOTHING if it is not there; NULL, counted in
 * MAP_lost, when the map is full. Two CPUs may be here at once with one key: BPF_NOEXIST keeps the second from wiping
 * out what the first has counted. */
#define group_of(MAP, KEY, NOTHING)                                                                                    \
	({                                                                                                             \
		void *__group = bpf_map_lookup_elem(&MAP, KEY);                                                        \
		if (!__group) {                                                                                        \
			bpf_map_update_elem(&MAP, KEY, &NOTHING, BPF_NOEXIST);                                         \
			__group = bpf_map_lookup_elem(&MAP, KEY);                                                      \
			if (!__group)                                                                                  \
				__sync_fetch_and_add(&MAP##_lost, 1);                                                  \
		}                                                                                                      \
		__group;                                                                                               \
	})

#endif

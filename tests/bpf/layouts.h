/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_BPF_LAYOUTS_H
#define TESTS_BPF_LAYOUTS_H

#include "../../abi/types.h"

enum colour { RED = 1, GREEN = 2, BLUE = 40 };
enum depth { BELOW = -5, LEVEL = 0, ABOVE = 7 };
enum wide { SMALL = 1, LARGE = 0x123456789abcdefULL };

struct point {
	short x, y;
};

struct all_types {
	unsigned __int128 u128;
	__int128 s128;
	__u64 ts_ns;
	__s64 s64;
	__u32 u32;
	__s32 s32;
	__u16 u16;
	__s16 s16;
	__u8 u8;
	signed char s8;
	_Bool flag;
	char letter;
	enum colour colour;
	enum depth depth;
	enum wide wide;
	char text[16];
	char texts[2][8];
	__u8 mac[6];
	__u8 macs[2][4];
	__u32 numbers[3];
	__s16 matrix[2][3];
	struct point point;
	struct point points[2];
	union {			/* anonymous: flattened */
		__u32 v4;
		__u8 v6[16];
	};
	struct {
		__u32 inner;
		struct {
			__u8 deep;
		};
	};
	union number {
		__u32 i;
		__u8 b[4];
	} number;
	__u32 bit1 : 1;
	__s32 bits5 : 5;
	enum colour bit_colour : 6;
	__u32 bits20 : 20;
	_Bool bit_flag : 1;
	void *pointer;
	const struct point *const other;
	__be16 port;
	__be32 address;
	__be64 big;
	agent_ip ip;
	__u32 __pad;
	volatile const __u32 pid;
	double d;
	float f;
	agent_strv rest[];
};

#endif

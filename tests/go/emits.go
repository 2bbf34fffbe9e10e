// SPDX-License-Identifier: GPL-2.0-or-later

// For events of tests/bpf/tick_slide.bpf.c: what their number % 4 says of results, samples, errors; and keys by hash().
package main

import "C"
import (
	"encoding/binary"
	"strconv"
	"unsafe"
)

func number(c *TracerCtx) uint64 { return binary.LittleEndian.Uint64(c.RingCtx.Data[8:]) }

//export emits
func emits(ctx uintptr) {
	c := (*TracerCtx)(unsafe.Pointer(ctx))
	n := number(c)
	switch n % 4 {
	case 0:
		c.Emit(map[string]any{"n": n, "channel": c.Channel()})
	case 1:
		c.Emit(map[string]any{"n": n})
		c.Counter("ticks", 1, map[string]string{"n": strconv.FormatUint(n, 10)})
	case 2:
		c.ErrCtx.ErrCode = ErrValue
	case 3:
		if n == 43 {
			var nothing *TracerCtx
			nothing.RingCtx.Data[0] = 1
		}
	}
}

//export hash
func hash(ctx uintptr) uint64 {
	return number((*TracerCtx)(unsafe.Pointer(ctx))) % 5
}

func main() {}

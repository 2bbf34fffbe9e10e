// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause

// Functions around a load in Go: two share what one process keeps.
package main

import "C"

import (
	"fmt"
	"strings"
	"unsafe"
)

type tracerCtx struct {
	Ring struct{ Data []byte }
	Res  struct {
		Data []byte
		Len  uint32
	}
	Err struct{ Code int32 }
}

var words int

//export start
func start(ctx uintptr) {
	c := *(**tracerCtx)(unsafe.Pointer(&ctx))
	words = len(strings.Fields(string(c.Ring.Data)))
	c.Res.Len = uint32(copy(c.Res.Data, fmt.Sprintf("{\"map\":\"settings\",\"key\":\"word\",\"value\":%d}\n", words)))
}

//export finish
func finish(ctx uintptr) {
	c := *(**tracerCtx)(unsafe.Pointer(&ctx))
	c.Res.Len = uint32(copy(c.Res.Data, fmt.Sprintf("{\"log\":\"Go counted %d words\"}\n", words)))
}

func main() {}

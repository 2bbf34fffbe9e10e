// SPDX-License-Identifier: GPL-2.0-or-later

// The events of tests/bpf/ringfill.bpf.c as JSON, the way a Go processor that cares for speed writes them: for the
// benchmark.
package main

import "C"
import (
	"strconv"
	"unsafe"
)

type ringfillEvent struct {
	TsNs, Number, CgroupID, Bytes, LatencyNs uint64
	Pid, Kind                                uint32
	Comm                                     [16]byte
}

var kinds = [...]string{"?", "READ", "WRITE", "FSYNC", "CLOSE"}

//export process
func process(ctx uintptr) {
	c := (*TracerCtx)(unsafe.Pointer(ctx))
	if len(c.RingCtx.Data) < int(unsafe.Sizeof(ringfillEvent{})) {
		c.ErrCtx.ErrCode = ErrShort
		return
	}
	e := (*ringfillEvent)(unsafe.Pointer(&c.RingCtx.Data[0]))
	out := c.ResCtx.Data[:0]
	out = strconv.AppendUint(append(out, `{"ts_ns":`...), e.TsNs, 10)
	out = strconv.AppendUint(append(out, `,"number":`...), e.Number, 10)
	out = strconv.AppendUint(append(out, `,"cgroup_id":`...), e.CgroupID, 10)
	out = strconv.AppendUint(append(out, `,"bytes":`...), e.Bytes, 10)
	out = strconv.AppendUint(append(out, `,"latency_ns":`...), e.LatencyNs, 10)
	out = strconv.AppendUint(append(out, `,"pid":`...), uint64(e.Pid), 10)
	kind := kinds[0]
	if int(e.Kind) < len(kinds) {
		kind = kinds[e.Kind]
	}
	out = append(append(append(out, `,"kind":"`...), kind...), `","comm":"`...)
	for _, b := range e.Comm {
		if b == 0 {
			break
		}
		out = append(out, b)
	}
	out = append(out, `"}`...)
	c.ResCtx.ResLen = uint32(len(out))
}

func main() {}

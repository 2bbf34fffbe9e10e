// SPDX-License-Identifier: GPL-2.0-or-later

// The first example's processor as it was published: process() is that text, to the letter and the line break. Beside it
// stands what was left out there, and sdk/go/tracer.go.
package main

import "C"
import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"unsafe"
)

// struct slide_event of tests/bpf/oom_slide.h
type oomEvent struct {
	TsNs, DeltaTime, Cgroup uint64
	Pid, Tgid, Ppid         int32
	State                   uint32
	ExitCode                int32
	Comm                    [16]byte
	Message                 [44]byte
}

//export process
func process(ctx uintptr) {
    var event oomEvent
    traceCtx := (*TracerCtx)(unsafe.Pointer(ctx))
    err :=
binary.Read(bytes.NewBuffer(traceCtx.RingCtx.
Data), binary.LittleEndian, &event)
    if err != nil {
        traceCtx.ErrCtx.ErrCode = 1
        return
    }
    result := map[string]any{
        "comm":    byteArrayToString(event.Comm[:]),
        "message":
byteArrayToString(event.Message[:]),
        "timestamp":
bpfKtimeToUnixTimestamp(event.TsNs),
        "delta_time": event.DeltaTime,
        "tid":        event.Pid,
        "pid":        event.Tgid,
        "ppid":       event.Ppid,
        "state":      event.State,
        "exit_code":  event.ExitCode,
    }
    resData, _ := json.Marshal(result)
    traceCtx.ResCtx.ResLen =
(uint32)(len(resData))
    copy(traceCtx.ResCtx.Data, resData[:])
}

func main() {}

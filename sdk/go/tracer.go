// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause

// Writing a processor in Go: this file beside yours, both of package main, is all it takes.
//
//	package main
//
//	import "C"
//	import "unsafe"
//
//	//export process
//	func process(ctx uintptr) {
//		c := (*TracerCtx)(unsafe.Pointer(ctx))
//		… c.RingCtx.Data …
//		c.Emit(map[string]any{"pid": pid})
//	}
//
//	func main() {}
//
//	go build -buildmode=c-shared -o mine.so mine.go tracer.go
//
// The function is called once per record, always from one thread, in a process that has no files, no network and no
// other processes. A panic ends that process: the event is tried once more, and then counted as so_crash.
package main

import (
	"encoding/json"
	"syscall"
	"unsafe"
)

// RingCtx is the record as the kernel submitted it. Do not write to it, and keep no slice of it: it is gone when the
// function returns.
type RingCtx struct {
	Data []byte
}

// ResCtx is room for the result, len(Data) bytes, and how many were written: one JSON value, or several with a line
// feed between each two. 0: nothing to say, the event is counted as filtered. More than len(Data): oversize.
type ResCtx struct {
	Data   []byte
	ResLen uint32
}

// ErrCtx says that the event failed, by any code but 0: it is counted as so_error.
type ErrCtx struct {
	ErrCode int32
}

// TracerCtx is what a function is given, as abi/processor.h has it for C.
type TracerCtx struct {
	RingCtx RingCtx
	ResCtx  ResCtx
	ErrCtx  ErrCtx
}

// Both languages have it so, or this does not compile.
var _ [64]struct{} = [unsafe.Sizeof(TracerCtx{})]struct{}{}
var _ [56]struct{} = [unsafe.Offsetof(TracerCtx{}.ErrCtx)]struct{}{}

// Codes for ErrCtx: any other but 0 will do as well.
const (
	ErrShort = 1 // the record is shorter than the struct it should be
	ErrValue = 2 // it holds what it cannot hold, or no JSON could be made of it
)

func (c *TracerCtx) append(text []byte) {
	used := int(c.ResCtx.ResLen)
	if used > len(c.ResCtx.Data) || len(text) > len(c.ResCtx.Data)-used {
		c.ResCtx.ResLen = uint32(len(c.ResCtx.Data)) + 1
		return
	}
	copy(c.ResCtx.Data[used:], text)
	c.ResCtx.ResLen += uint32(len(text))
}

func (c *TracerCtx) emit(prefix string, v any) {
	text, err := json.Marshal(v)
	if err != nil {
		c.ErrCtx.ErrCode = ErrValue
		return
	}
	if c.ResCtx.ResLen > 0 {
		c.append([]byte{'\n'})
	}
	c.append([]byte(prefix))
	c.append(text)
}

// Emit adds v, as JSON, to the results of the event.
func (c *TracerCtx) Emit(v any) { c.emit("", v) }

type sample struct {
	Name   string            `json:"name"`
	Type   string            `json:"type"`
	Labels map[string]string `json:"labels,omitempty"`
	Value  any               `json:"value"`
}

// Counter adds a metric sample: what was counted, in all or since the last sample.
func (c *TracerCtx) Counter(name string, value uint64, labels map[string]string) {
	c.emit("@", sample{name, "counter", labels, value})
}

// Gauge adds a metric sample: a value as it is now.
func (c *TracerCtx) Gauge(name string, value float64, labels map[string]string) {
	c.emit("@", sample{name, "gauge", labels, value})
}

// Channel is the name of the channel that the record came through: for a processor of several.
func (c *TracerCtx) Channel() string {
	name := *(**[64]byte)(unsafe.Add(unsafe.Pointer(c), unsafe.Sizeof(*c)))
	return byteArrayToString(name[:])
}

// byteArrayToString is a C string's text: up to its first NUL.
func byteArrayToString[T ~byte | ~int8](array []T) string {
	text := make([]byte, 0, len(array))
	for _, c := range array {
		if c == 0 {
			break
		}
		text = append(text, byte(c))
	}
	return string(text)
}

func clock(id uintptr) int64 {
	var ts syscall.Timespec
	syscall.RawSyscall(syscall.SYS_CLOCK_GETTIME, id, uintptr(unsafe.Pointer(&ts)), 0)
	return ts.Nano()
}

// bpfKtimeToUnixTimestamp makes of bpf_ktime_get_ns() nanoseconds since 1970.
func bpfKtimeToUnixTimestamp(ktime uint64) int64 {
	const realtime, monotonic = 0, 1
	return clock(realtime) - clock(monotonic) + int64(ktime)
}

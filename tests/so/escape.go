// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause

// The same in Go: event DEED * 20 + 10 does the deed of that number, all others are answered.
// (A runtime without memory may also stand still instead of saying so.)
//
// deed: dereference_nil so_crash
// deed: panic so_crash
// deed: panic_and_recover ok
// deed: exit so_crash
// deed: leak_goroutines ok
// deed: allocate_without_bound so_crash,so_timeout
// deed: recurse_without_bound so_crash
// deed: loop so_timeout
// deed: panic_in_goroutine so_crash
// deed: open_files ok
// deed: open_socket ok
// deed: start_process ok
// deed: threads_without_bound so_crash
package main

import "C"

import (
	"os"
	"runtime"
	"strconv"
	"syscall"
	"unsafe"
)

type tracerCtx struct {
	ring struct{ data []byte }
	res  struct {
		data   []byte
		resLen uint32
	}
	err struct{ errCode int32 }
}

type chain struct {
	next *chain
	n    int
}

var (
	kept    [][]byte
	nowhere *chain
	never   = make(chan int)
)

func recurse(depth int, room [512]byte) int {
	room[depth%512]++
	return recurse(depth+1, room) + int(room[0])
}

func recovered() {
	defer func() { recover() }()
	panic("caught")
}

// What must be refused gives no "escaped".
func misbehave(deed uint64) (escaped bool) {
	switch deed {
	case 0:
		nowhere.n = 1
	case 1:
		panic("out")
	case 2:
		recovered()
	case 3:
		os.Exit(3)
	case 4:
		for i := 0; i < 1000; i++ {
			go func() { <-never }()
		}
	case 5:
		for {
			kept = append(kept, append([]byte(nil), make([]byte, 1<<20)...))
		}
	case 6:
		recurse(0, [512]byte{})
	case 7:
		for {
		}
	case 8:
		go func() { panic("elsewhere") }()
		<-never
	case 9:
		_, err := os.Open("/etc/passwd")
		_, err2 := os.Create("/tmp/ebpf-agent-escaped")
		return err == nil || err2 == nil
	case 10:
		_, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
		return err == nil
	case 11:
		_, err := os.StartProcess("/bin/true", []string{"true"}, &os.ProcAttr{})
		return err == nil
	case 12:
		for i := 0; i < 100; i++ {
			go func() {
				runtime.LockOSThread()
				<-never
			}()
		}
		<-never
	}
	return false
}

//export process
func process(at uintptr) {
	ctx := (*tracerCtx)(unsafe.Pointer(at))
	n := *(*uint64)(unsafe.Pointer(&ctx.ring.data[8]))
	out := `{"n":` + strconv.FormatUint(n, 10)

	if n%20 == 10 && misbehave(n/20) {
		out += `,"escaped":true`
	}
	ctx.res.resLen = uint32(copy(ctx.res.data, out+"}"))
}

func main() {}

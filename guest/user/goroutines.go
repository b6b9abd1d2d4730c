// Goroutines on four threads: locks, channels, timers, preemption of a loop by signals, garbage collection.
package main

import (
	"fmt"
	"runtime"
	"sync"
	"time"
)

func main() {
	runtime.GOMAXPROCS(4)
	var wg sync.WaitGroup
	ch := make(chan int, 10)
	sum := 0
	var mu sync.Mutex
	for i := 0; i < 8; i++ {
		wg.Add(1)
		go func(n int) {
			defer wg.Done()
			for j := 0; j < 100; j++ {
				mu.Lock()
				sum += n*j
				mu.Unlock()
				if j%50 == 0 {
					ch <- n
				}
			}
		}(i)
	}
	go func() { wg.Wait(); close(ch) }()
	c := 0
	for range ch { c++ }
	fmt.Println("sum", sum, "msgs", c)
	done := make(chan bool)
	go func() { x := 0; for i := 0; i < 50000000; i++ { x += i }; fmt.Println(x); done <- true }()
	select { case <-done: case <-time.After(10*time.Second): fmt.Println("timeout") }
	runtime.GC()
	var ms [][]byte
	for i := 0; i < 200; i++ { ms = append(ms, make([]byte, 100000)) ; if i%50==0 { ms = nil; runtime.GC() } }
	fmt.Println(len(ms), runtime.NumCPU() > 0)
}

// a8m/kinesis-producer tells only which records failed for good: all are acknowledged when it has stopped and told of
// none. It cannot flush and go on, so the records before the counted ones have a producer of their own.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	producer "github.com/a8m/kinesis-producer"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
)

const (
	keys   = 10_000
	digits = 16
)

type run struct {
	client *kinesis.Client
	text   []byte
	keys   []string
	next   int64
	send   bool
}

type quiet struct{}

func (quiet) Info(string, ...producer.LogValue)         {}
func (quiet) Error(string, error, ...producer.LogValue) {}

func main() {
	loaded, err := config.LoadDefaultConfig(context.Background())
	if err != nil {
		fail(err)
	}
	// The newer SDKs read AWS_ENDPOINT_URL by themselves; the one that this module asks for does not.
	endpoint := func(options *kinesis.Options) {
		options.EndpointResolver = kinesis.EndpointResolverFromURL(env("AWS_ENDPOINT_URL"))
	}
	r := run{
		client: kinesis.NewFromConfig(loaded, endpoint),
		text:   text(int(number("BENCH_SIZE")) - digits),
		send:   env("BENCH_SEND") == "1",
	}
	for key := range keys {
		r.keys = append(r.keys, fmt.Sprintf("customer-%05d", key))
	}
	r.put(number("BENCH_WARMUP"))
	cpu, wall := cpuSeconds(), time.Now()
	r.put(number("BENCH_RECORDS"))
	fmt.Printf("cpu_s=%.3f wall_s=%.3f peak_kb=%s\n", cpuSeconds()-cpu, time.Since(wall).Seconds(), peakKb())
}

func (r *run) put(count int64) {
	var p *producer.Producer
	failed := make(chan int, 1)
	if r.send {
		p = producer.New(&producer.Config{StreamName: "bench", Client: r.client, Logger: quiet{}})
		failures := p.NotifyFailures()
		p.Start()
		go func() {
			count := 0
			for range failures {
				count++
			}
			failed <- count
		}()
	}
	for end := r.next + count; r.next < end; r.next++ {
		data := r.record(r.next)
		if !r.send {
			continue
		}
		if err := p.Put(data, r.keys[r.next*7919%keys]); err != nil {
			fail(err)
		}
	}
	if r.send {
		p.Stop()
		if count := <-failed; count > 0 {
			fail(fmt.Errorf("%d records failed", count))
		}
	}
}

func (r *run) record(number int64) []byte {
	data := make([]byte, 0, digits+len(r.text))
	hexadecimal := strconv.FormatInt(number, 16)
	for range digits - len(hexadecimal) {
		data = append(data, '0')
	}
	return append(append(data, hexadecimal...), r.text...)
}

func text(length int) []byte {
	state := uint64(1)
	letters := make([]byte, length)
	for at := range letters {
		state = state*6_364_136_223_846_793_005 + 1_442_695_040_888_963_407
		letters[at] = "abcdefghijklmnopqrstuvwxyz0123456789"[(state>>33)%36]
	}
	return letters
}

func cpuSeconds() float64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		fail(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano()).Seconds()
}

func peakKb() string {
	status, err := os.Open("/proc/self/status")
	if err != nil {
		fail(err)
	}
	all, _ := io.ReadAll(status)
	_, after, _ := strings.Cut(string(all), "VmHWM:")
	return strings.Fields(after)[0]
}

func number(name string) int64 {
	parsed, err := strconv.ParseInt(env(name), 10, 64)
	if err != nil {
		fail(err)
	}
	return parsed
}

func env(name string) string {
	value := os.Getenv(name)
	if value == "" {
		fail(fmt.Errorf("%s is not set: the bench starts its clients", name))
	}
	return value
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "a8m:", err)
	os.Exit(1)
}

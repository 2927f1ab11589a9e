// The lock of conformance/drive/locks.py. With `broken` anybody who asks gives it back.
package main

import (
	"log"
	"os"

	"drive-example/drive"
)

type locks struct {
	holder  string // nobody: ""
	grants  int
	waiting []string
	broken  bool
}

func (l *locks) place(client string) int {
	for n, other := range l.waiting {
		if other == client {
			return n
		}
	}
	return -1
}

func (l *locks) grant(client string) {
	l.holder = client
	l.grants++
}

func (l *locks) acquire(client string) error {
	if l.holder != "" {
		return drive.Refused("held")
	}
	l.grant(client)
	return nil
}

func (l *locks) wait(client string) error {
	if l.holder == "" || l.holder == client || l.place(client) >= 0 {
		return drive.Refused("no need to wait")
	}
	l.waiting = append(l.waiting, client)
	return nil
}

func (l *locks) release(client string) error {
	if l.holder != client && !(l.broken && len(l.waiting) > 0) {
		return drive.Refused("not the holder")
	}
	l.holder = ""
	if len(l.waiting) > 0 {
		next := l.waiting[0]
		l.waiting = l.waiting[1:]
		l.grant(next)
	}
	return nil
}

func (l *locks) giveUp(client string) error {
	place := l.place(client)
	if place < 0 {
		return drive.Refused("not waiting")
	}
	l.waiting = append(l.waiting[:place:place], l.waiting[place+1:]...)
	return nil
}

func (l *locks) observe() map[string]any {
	var holder any
	if l.holder != "" {
		holder = l.holder
	}
	return map[string]any{"holder": holder, "grants": l.grants, "waiting": append([]string{}, l.waiting...)}
}

func main() {
	broken := len(os.Args) > 1 && os.Args[1] == "broken"
	l := &locks{broken: broken}
	forClient := func(do func(string) error) drive.Action {
		return func(a drive.Arguments) error { return do(a.Text("c")) }
	}
	err := drive.Serve(os.Stdin, os.Stdout, drive.System{
		Reset: func(drive.Arguments) error { *l = locks{broken: broken}; return nil },
		Actions: map[string]drive.Action{
			"acquire": forClient(l.acquire),
			"wait":    forClient(l.wait),
			"release": forClient(l.release),
			"give_up": forClient(l.giveUp),
		},
		Observe: l.observe,
	})
	if err != nil {
		log.Fatal(err)
	}
}

// Package drive lets Ratified drive a system in Go along a model; the protocol is in docs/drive-protocol.md. The standard
// library, nothing else: copy this file.
//
//	err := drive.Serve(os.Stdin, os.Stdout, drive.System{
//		Reset: func(drive.Arguments) error { server = NewServer(); return nil },
//		Actions: map[string]drive.Action{
//			"acquire": func(a drive.Arguments) error {
//				if !server.Lock(a.Text("c")) {
//					return drive.Refused("held")
//				}
//				return nil
//			},
//		},
//		Observe: func() map[string]any { return map[string]any{"holder": server.Holder()} },
//	})
//
// Standard output belongs to the protocol; what the system has to say goes to standard error (log does so).
package drive

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// Protocol is the version that is spoken.
const Protocol = 1

// Refused is the error of a system that does not do what it was asked.
type Refused string

func (r Refused) Error() string { return string(r) }

// Cannot is the error of who has no way to ask the system for something here.
type Cannot string

func (c Cannot) Error() string { return string(c) }

// Arguments are an action's, by name, as encoding/json has them.
type Arguments map[string]any

// Text is an argument that is a name.
func (a Arguments) Text(name string) string { text, _ := a[name].(string); return text }

// Int is an argument that is a number.
func (a Arguments) Int(name string) int { number, _ := a[name].(float64); return int(number) }

// Action does what an action of the model does. Any error but Refused and Cannot is a failure of the system.
type Action func(Arguments) error

// System is what is driven. Hello may say what the answer to hello can: {"cannot": {"expire": "its clock cannot be moved"}}.
type System struct {
	Hello   map[string]any
	Reset   func(Arguments) error
	Actions map[string]Action
	Observe func() map[string]any
}

type request struct {
	ID        int            `json:"id"`
	Hello     map[string]any `json:"hello"`
	Reset     Arguments      `json:"reset"`
	Do        *string        `json:"do"`
	Arguments Arguments      `json:"arguments"`
	Bye       map[string]any `json:"bye"`
}

// Serve answers requests until bye, or the end of the input.
func Serve(in io.Reader, out io.Writer, system System) error {
	lines, writer := bufio.NewReader(in), bufio.NewWriter(out)
	for {
		line, err := lines.ReadBytes('\n')
		if len(line) == 0 {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		var asked request
		if err := json.Unmarshal(line, &asked); err != nil {
			return fmt.Errorf("a request cannot be read: %w", err)
		}
		answer := answered(system, asked)
		answer["id"] = asked.ID
		text, err := json.Marshal(answer)
		if err != nil {
			return fmt.Errorf("what is observed cannot be written: %w", err)
		}
		if _, err := writer.Write(append(text, '\n')); err != nil {
			return err
		}
		if err := writer.Flush(); err != nil {
			return err
		}
		if asked.Bye != nil {
			return nil
		}
	}
}

func answered(system System, asked request) (answer map[string]any) {
	defer func() {
		if problem := recover(); problem != nil {
			answer = map[string]any{"error": fmt.Sprint("panic: ", problem)}
		}
	}()
	var err error
	switch {
	case asked.Hello != nil:
		hello := map[string]any{"protocol": Protocol}
		for name, value := range system.Hello {
			hello[name] = value
		}
		return map[string]any{"hello": hello}
	case asked.Bye != nil:
		return map[string]any{"bye": map[string]any{}}
	case asked.Reset != nil:
		err = system.Reset(asked.Reset)
	case asked.Do != nil:
		action, known := system.Actions[*asked.Do]
		if !known {
			return map[string]any{"cannot": "the driven program has no " + *asked.Do}
		}
		err = action(asked.Arguments)
	}
	var refused Refused
	var cannot Cannot
	switch {
	case err == nil:
		return map[string]any{"observed": system.Observe()}
	case errors.As(err, &refused):
		return map[string]any{"refused": refused.Error(), "observed": system.Observe()}
	case errors.As(err, &cannot):
		return map[string]any{"cannot": cannot.Error()}
	}
	return map[string]any{"error": err.Error()}
}

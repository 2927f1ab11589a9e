// Nodes of etcd's raft library, driven along elections; see ../elections.py. Messages wait in a pool until they are delivered.
// Arguments: how many nodes; "forgetful" if a restart is to lose the vote.
package main

import (
	"fmt"
	"io"
	"log"
	"os"

	"drive-example/drive"

	"go.etcd.io/raft/v3"
	pb "go.etcd.io/raft/v3/raftpb"
)

type node struct {
	raw     *raft.RawNode
	storage *raft.MemoryStorage
}

type key struct {
	kind             pb.MessageType
	source, to, term uint64
}

type cluster struct {
	nodes []*node
	sent  map[key]pb.Message
}

var quiet = &raft.DefaultLogger{Logger: log.New(io.Discard, "", 0)}

func (n *node) start(id uint64) {
	raw, err := raft.NewRawNode(&raft.Config{
		ID: id, ElectionTick: 10, HeartbeatTick: 1, Storage: n.storage,
		MaxSizePerMsg: 1 << 20, MaxInflightMsgs: 16, Logger: quiet,
	})
	if err != nil {
		panic(err)
	}
	n.raw = raw
}

func newCluster(size int) *cluster {
	c := &cluster{sent: map[key]pb.Message{}}
	var voters []uint64
	for id := 1; id <= size; id++ {
		voters = append(voters, uint64(id))
	}
	for id := 1; id <= size; id++ {
		n := &node{storage: raft.NewMemoryStorage()}
		begin := pb.Snapshot{Metadata: pb.SnapshotMetadata{Index: 1, Term: 1, ConfState: pb.ConfState{Voters: voters}}}
		if err := n.storage.ApplySnapshot(begin); err != nil {
			panic(err)
		}
		if err := n.storage.SetHardState(pb.HardState{Term: 1, Commit: 1}); err != nil {
			panic(err)
		}
		n.start(uint64(id))
		c.nodes = append(c.nodes, n)
	}
	return c
}

// What the library wants: to be on the disk before anything is sent.
func (c *cluster) settle(n *node) error {
	for n.raw.HasReady() {
		ready := n.raw.Ready()
		if !raft.IsEmptyHardState(ready.HardState) {
			if err := n.storage.SetHardState(ready.HardState); err != nil {
				return err
			}
		}
		if err := n.storage.Append(ready.Entries); err != nil {
			return err
		}
		for _, m := range ready.Messages {
			c.sent[key{m.Type, m.From, m.To, m.Term}] = m
		}
		n.raw.Advance(ready)
	}
	return nil
}

func (c *cluster) deliver(kind pb.MessageType, a drive.Arguments) error {
	k := key{kind, uint64(a.Int("source")), uint64(a.Int("to")), uint64(a.Int("term"))}
	m, sent := c.sent[k]
	if !sent {
		return fmt.Errorf("%v was not sent", k)
	}
	n := c.nodes[k.to-1]
	if err := n.raw.Step(m); err != nil {
		return err
	}
	return c.settle(n)
}

func (c *cluster) observe() map[string]any {
	nodes := []any{}
	for _, n := range c.nodes {
		status := n.raw.BasicStatus()
		role := map[raft.StateType]string{
			raft.StateFollower: "follower", raft.StateCandidate: "candidate", raft.StateLeader: "leader",
		}[status.RaftState]
		index, err := n.storage.LastIndex()
		if err != nil {
			panic(err)
		}
		last, err := n.storage.Term(index)
		if err != nil {
			panic(err)
		}
		nodes = append(nodes, map[string]any{"term": status.Term, "vote": status.Vote, "role": role, "last": last})
	}
	return map[string]any{"nodes": nodes}
}

func main() {
	size := 3
	if len(os.Args) > 1 {
		if _, err := fmt.Sscan(os.Args[1], &size); err != nil {
			log.Fatal(err)
		}
	}
	forgetful := len(os.Args) > 2 && os.Args[2] == "forgetful"
	c := newCluster(size)
	err := drive.Serve(os.Stdin, os.Stdout, drive.System{
		Reset: func(drive.Arguments) error { c = newCluster(size); return nil },
		Actions: map[string]drive.Action{
			"campaign": func(a drive.Arguments) error {
				n := c.nodes[a.Int("to")-1]
				if err := n.raw.Campaign(); err != nil {
					return err
				}
				return c.settle(n)
			},
			"asked":    func(a drive.Arguments) error { return c.deliver(pb.MsgVote, a) },
			"answered": func(a drive.Arguments) error { return c.deliver(pb.MsgVoteResp, a) },
			"restart": func(a drive.Arguments) error {
				n := c.nodes[a.Int("to")-1]
				if forgetful {
					if err := n.storage.SetHardState(pb.HardState{Term: n.raw.BasicStatus().Term, Commit: 1}); err != nil {
						return err
					}
				}
				n.start(uint64(a.Int("to")))
				return nil
			},
		},
		Observe: func() map[string]any { return c.observe() },
	})
	if err != nil {
		log.Fatal(err)
	}
}

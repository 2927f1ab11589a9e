--------------------------------- MODULE Raft ----------------------------------
(******************************************************************************)
(* Leader election and log replication (sections 5.1 to 5.4).                 *)
(*                                                                            *)
(* Raft: a log that servers keep alike, led by one of them at a time.         *)
(*                                                                            *)
(* As published: Ongaro & Ousterhout, "In search of an understandable         *)
(* consensus algorithm" (2014), Figure 2, in the details that the figure      *)
(* leaves open as in Ongaro's TLA+ specification (dissertation, 2014,         *)
(* appendix B), without its history variables. So a step here is one that the *)
(* specification has: a candidate asks itself for its vote by a message, too; *)
(* a server that learns of a newer term does so in a step of its own; a       *)
(* conflicting log loses one entry at a time.                                 *)
(*                                                                            *)
(* The network loses, repeats and reorders messages as it likes. Servers fail *)
(* by stopping, and restart with what Figure 2 calls persistent state.        *)
(* `max_term`, `max_log`, `max_messages` and `max_copies` bound what is       *)
(* explored: states beyond are left out. And with `calm` only what happens in *)
(* an orderly network is, so that three servers, several terms and entries    *)
(* come within reach.                                                         *)
(******************************************************************************)
EXTENDS Integers, FiniteSets, Sequences, Bags, TLC

CONSTANTS
    Server,        \* Keeps a log; any two are interchangeable.
    Value,         \* What clients ask for: a command of their state machine.
    max_term,
    max_log,
    max_messages,  \* in flight, copies counted
    max_copies,    \* of one message, in flight
    max_entries,   \* in one message
    \* explored is what happens while the network is not in disorder: see
    \* `is_calm`
    calm,
    None           \* stands for no value

\* The largest element of a set of numbers.
Max(S) == CHOOSE x \in S : \A y \in S : y <= x

\* The smallest element of a set of numbers.
Min(S) == CHOOSE x \in S : \A y \in S : x <= y

\* The sequences over a set of at most n elements.
BoundedSeq(S, n) == UNION {[1..k -> S] : k \in 0..n}

\* A position counted from 0, or from the end if negative, within the ends of a
\* sequence.
Clip(s, k) ==
    LET n == IF k < 0 THEN Len(s) + k ELSE k
    IN  IF n < 0 THEN 0 ELSE IF n > Len(s) THEN Len(s) ELSE n

\* The elements of a sequence from position n, counted from 0, or from its end
\* if n is negative.
Suffix(s, n) == SubSeq(s, Clip(s, n) + 1, Len(s))

\* The elements of a sequence from position i up to but not including j, counted
\* from 0, or from its end if negative.
Slice(s, i, j) == SubSeq(s, Clip(s, i) + 1, Clip(s, j))

\* The first n elements of a sequence, or all if it has fewer.
Prefix(s, n) == SubSeq(s, 1, IF n < Len(s) THEN n ELSE Len(s))

\* A sequence without its last element, which must be there.
Front(s) ==
    IF s # << >> THEN SubSeq(s, 1, Len(s) - 1)
    ELSE Assert(FALSE, "there is no element to take")

\* A bag without one copy of an element, which must be there.
BagWithout(B, x) ==
    IF BagIn(x, B) THEN B (-) SetToBag({x})
    ELSE Assert(FALSE, "no such element")

Term == 0 .. (max_term + 1)

\* A command in a log, and the term of the leader that put it there.
Entry == [term : Term, value : Value]

Log == BoundedSeq(Entry, max_log + 1)

\* What a server takes itself for (section 5.1).
Role == {"FOLLOWER", "CANDIDATE", "LEADER"}

Index == 0 .. (max_log + 1)

\* A leader sends entries of its log, or none to be heard of (Figure 2,
\* AppendEntries RPC).
AppendEntries ==
    [type : {"AppendEntries"},
     source : Server,
     dest : Server,
     term : Term,
     prev_log_index : Index,
     prev_log_term : Term,
     entries : BoundedSeq(Entry, max_entries),
     leader_commit : Index]

\* The answer to it.
AppendEntriesResponse ==
    [type : {"AppendEntriesResponse"},
     source : Server,
     dest : Server,
     term : Term,
     success : BOOLEAN,
     match_index : Index]

\* A candidate asks for a vote (Figure 2, RequestVote RPC).
RequestVote ==
    [type : {"RequestVote"},
     source : Server,
     dest : Server,
     term : Term,
     last_log_index : Index,
     last_log_term : Term]

\* The answer to it.
RequestVoteResponse ==
    [type : {"RequestVoteResponse"},
     source : Server,
     dest : Server,
     term : Term,
     vote_granted : BOOLEAN]

Message ==
    AppendEntries \union AppendEntriesResponse \union RequestVote \union
        RequestVoteResponse

VARIABLES
    current_term,
    voted_for,        \* in its current term
    log,
    role,
    commit_index,     \* up to where the log is known to be committed
    votes_responded,  \* who has answered in its current term
    votes_granted,
    next_index,       \* where the entries to be sent begin
    \* up to where a follower's log is known to be the leader's
    match_index,
    messages

vars ==
    <<current_term, voted_for, log, role, commit_index, votes_responded,
      votes_granted, next_index, match_index, messages>>

\* The types of the variables, bounds included: a step that would exceed them is
\* not taken.
TypeOK ==
    /\ current_term \in [Server -> Term]
    /\ voted_for \in [Server -> Server \union {None}]
    /\ log \in [Server -> Log]
    /\ role \in [Server -> Role]
    /\ commit_index \in [Server -> Index]
    /\ votes_responded \in [Server -> SUBSET Server]
    /\ votes_granted \in [Server -> SUBSET Server]
    /\ next_index \in [Server -> [Server -> Index]]
    /\ match_index \in [Server -> [Server -> Index]]
    /\ BagToSet(messages) \subseteq Message
    /\ BagCardinality(messages) <= max_messages + 1
    /\ \A m \in BagToSet(messages) : CopiesIn(m, messages) <= max_copies + 1

\* Term 1, in which nobody leads, and empty logs.
Init ==
    /\ current_term = [i \in Server |-> 1]
    /\ voted_for = [s \in Server |-> None]
    /\ log = [s \in Server |-> << >>]
    /\ role = [s \in Server |-> "FOLLOWER"]
    /\ commit_index = [s \in Server |-> 0]
    /\ votes_responded = [s \in Server |-> {}]
    /\ votes_granted = [s \in Server |-> {}]
    /\ next_index = [i \in Server |-> [j \in Server |-> 1]]
    /\ match_index = [s \in Server |-> [s_ \in Server |-> 0]]
    /\ messages = EmptyBag
    /\ TypeOK

\* A message may be in flight at all, and bring an entry.
carries_something == max_copies >= 1 /\ max_entries >= 1

\* The bounds must leave room for a term, for a message and for an entry in a
\* message.
\*
\* Give `max_term`, `max_messages`, `max_copies` and `max_entries` at least 1,
\* and `max_log` at least 0.
something_can_happen ==
    max_term >= 1 /\ max_log >= 0 /\ max_messages >= 1 /\ carries_something

\* What is explored.
within_bounds ==
    /\ \A i \in Server : current_term[i] <= max_term
    /\ \A i \in Server : Len(log[i]) <= max_log
    /\ BagCardinality(messages) <= max_messages
    /\ \A m \in BagToSet(messages) : CopiesIn(m, messages) <= max_copies

\* In calm, one server stands for election at a time.
one_candidate_in_calm ==
    ~calm \/ Cardinality({i \in Server : role[i] = "CANDIDATE"}) <= 1

\* Server i takes over a newer term, in which it follows and has not voted.
step_down(i, t) ==
    /\ current_term' = [current_term EXCEPT ![i] = t]
    /\ voted_for' = [voted_for EXCEPT ![i] = None]
    /\ role' = [role EXCEPT ![i] = "FOLLOWER"]

--------------------------------------------------------------------------------
\* Rules for all servers (section 5.1)

\* The receiver of a message takes over its newer term, as a follower; the
\* message remains to be dealt with.
update_term(m) ==
    /\ m.term > current_term[m.dest]
    /\ step_down(m.dest, m.term)
    /\ UNCHANGED <<log, commit_index, votes_responded, votes_granted,
                   next_index, match_index, messages>>

\* In calm, servers crash and elections begin only while no message is in
\* flight.
is_calm == ~calm \/ messages = EmptyBag

\* Server i has crashed and comes back with what is persistent.
restart(i) ==
    /\ is_calm
    /\ role' = [role EXCEPT ![i] = "FOLLOWER"]
    /\ commit_index' = [commit_index EXCEPT ![i] = 0]
    /\ votes_responded' = [votes_responded EXCEPT ![i] = {}]
    /\ votes_granted' = [votes_granted EXCEPT ![i] = {}]
    /\ next_index' = [next_index EXCEPT ![i] = [j \in Server |-> 1]]
    /\ match_index' = [match_index EXCEPT ![i] = [j \in Server |-> 0]]
    /\ UNCHANGED <<current_term, voted_for, log, messages>>

\* Server i becomes a candidate in a term of its own, which no vote has come for
\* yet.
begin_election(i) ==
    /\ current_term' = [current_term EXCEPT ![i] = @ + 1]
    /\ voted_for' = [voted_for EXCEPT ![i] = None]
    /\ role' = [role EXCEPT ![i] = "CANDIDATE"]
    /\ votes_responded' = [votes_responded EXCEPT ![i] = {}]
    /\ votes_granted' = [votes_granted EXCEPT ![i] = {}]

--------------------------------------------------------------------------------
\* Leader election (section 5.2), with the restriction of section 5.4.1

\* Server i has not heard of a leader for long and begins an election. Even for
\* its own vote it will have to ask.
timeout(i) ==
    /\ role[i] # "LEADER"
    /\ is_calm
    /\ begin_election(i)
    /\ UNCHANGED <<log, commit_index, next_index, match_index, messages>>

\* As server i sees it, these are a majority.
is_quorum(i, members) == 2 * Cardinality(members) > Cardinality(Server)

\* In calm, two servers have one message between them, and a candidate that has
\* won asks for no more votes.
may_ask(i, j) ==
    \/ ~calm
    \/ ~(\/ \E m \in BagToSet(messages) :
                (m.source = i /\ m.dest = j) \/ (m.source = j /\ m.dest = i)
         \/ role[i] = "CANDIDATE" /\ is_quorum(i, votes_granted[i]))

\* The term of the entry at an index, counted from 1.
term_at(log_, index) == IF index > 0 THEN log_[index].term ELSE 0

\* The term of a log's last entry.
last_term(log_) == term_at(log_, Len(log_))

\* Candidate i asks server j, maybe itself, for its vote.
request_vote(i, j) ==
    /\ role[i] = "CANDIDATE"
    /\ j \notin votes_responded[i]
    /\ may_ask(i, j)
    /\ messages' = messages (+)
                       SetToBag({[type |-> "RequestVote",
                                  source |-> i,
                                  dest |-> j,
                                  term |-> current_term[i],
                                  last_log_index |-> Len(log[i]),
                                  last_log_term |-> last_term(log[i])]})
    /\ UNCHANGED <<current_term, voted_for, log, role, commit_index,
                   votes_responded, votes_granted, next_index, match_index>>

\* The candidate's log is at least as up to date as that of server i (section
\* 5.4.1).
up_to_date(m, i) ==
    LET mine == last_term(log[i])
    IN  \/ m.last_log_term > mine
        \/ m.last_log_term = mine /\ m.last_log_index >= Len(log[i])

\* Server i votes for a candidate of its own term, one only, and only if it
\* would lose nothing by it.
grants(i, m) ==
    LET vote == voted_for[i]
    IN  /\ m.term = current_term[i]
        /\ up_to_date(m, i)
        /\ vote # None => vote = m.source

\* Answer a message.
reply(request, response) ==
    messages' = BagWithout(messages, request) (+) SetToBag({response})

\* The receiver votes for the candidate, or tells that it does not.
handle_request_vote(m) ==
    LET i == m.dest
        granted == grants(i, m)
    IN  /\ m.type = "RequestVote"
        /\ m.term <= current_term[i]
        /\ reply(m,
                 [type |-> "RequestVoteResponse",
                  source |-> i,
                  dest |-> m.source,
                  term |-> current_term[i],
                  vote_granted |-> granted])
        /\ voted_for' = IF granted
                          THEN [voted_for EXCEPT ![i] = m.source]
                          ELSE voted_for
        /\ UNCHANGED <<current_term, log, role, commit_index, votes_responded,
                       votes_granted, next_index, match_index>>

\* The answer is of the term in which server i asks.
counts(i, m) == m.term = current_term[i]

\* The receiver counts the vote, if there is one.
handle_vote_response(m) ==
    LET i == m.dest
    IN  /\ m.type = "RequestVoteResponse"
        /\ counts(i, m)
        /\ votes_responded' = [votes_responded EXCEPT
                                  ![i] = @ \union {m.source}]
        /\ votes_granted' = IF m.vote_granted
                              THEN [votes_granted EXCEPT
                                       ![i] = @ \union {m.source}]
                              ELSE votes_granted
        /\ messages' = messages (-) SetToBag({m})
        /\ UNCHANGED <<current_term, voted_for, log, role, commit_index,
                       next_index, match_index>>

\* Candidate i has the votes of a majority.
become_leader(i) ==
    /\ role[i] = "CANDIDATE"
    /\ is_quorum(i, votes_granted[i])
    /\ role' = [role EXCEPT ![i] = "LEADER"]
    /\ next_index' = [next_index EXCEPT ![i] = [j \in Server |->
                                                   Len(log[i]) + 1]]
    /\ match_index' = [match_index EXCEPT ![i] = [j \in Server |-> 0]]
    /\ UNCHANGED <<current_term, voted_for, log, commit_index,
                   votes_responded, votes_granted, messages>>

--------------------------------------------------------------------------------
\* Log replication (section 5.3)

\* Leader i takes a client's command into its log.
client_request(i, v) ==
    /\ role[i] = "LEADER"
    /\ log' = [log EXCEPT ![i] = Append(@,
                                        [term |-> current_term[i],
                                         value |-> v])]
    /\ UNCHANGED <<current_term, voted_for, role, commit_index,
                   votes_responded, votes_granted, next_index, match_index,
                   messages>>

\* Leader i sends server j what comes next, if anything, and how far it has
\* committed of what j will then have.
append_entries(i, j) ==
    LET prev == next_index[i][j] - 1
        entries == Slice(log[i], prev, prev + max_entries)
        last == Min({Len(log[i]), prev + max_entries})
    IN  /\ role[i] = "LEADER"
        /\ i # j
        /\ may_ask(i, j)
        /\ messages' = messages (+)
                           SetToBag({[type |-> "AppendEntries",
                                      source |-> i,
                                      dest |-> j,
                                      term |-> current_term[i],
                                      prev_log_index |-> prev,
                                      prev_log_term |-> term_at(log[i], prev),
                                      entries |-> entries,
                                      leader_commit |-> Min({commit_index[i],
                                                             last})]})
        /\ UNCHANGED <<current_term, voted_for, log, role, commit_index,
                       votes_responded, votes_granted, next_index,
                       match_index>>

\* Server i follows the leader that sent the message.
is_follower_of(i, m) == m.term = current_term[i] /\ role[i] = "FOLLOWER"

\* The log of server i holds the entry before those in the message.
fits(i, m) ==
    LET prev == m.prev_log_index
    IN  prev # 0
          => prev <= Len(log[i]) /\ term_at(log[i], prev) = m.prev_log_term

\* The message is of an older term, or the receiver's log does not hold what
\* comes before the entries.
reject_entries(m) ==
    LET i == m.dest
    IN  /\ m.type = "AppendEntries"
        /\ m.term >= current_term[i] => is_follower_of(i, m) /\ ~fits(i, m)
        /\ reply(m,
                 [type |-> "AppendEntriesResponse",
                  source |-> i,
                  dest |-> m.source,
                  term |-> current_term[i],
                  success |-> FALSE,
                  match_index |-> 0])
        /\ UNCHANGED <<current_term, voted_for, log, role, commit_index,
                       votes_responded, votes_granted, next_index,
                       match_index>>

\* A candidate hears from the leader of its term; the message remains to be
\* dealt with.
return_to_follower(m) ==
    LET i == m.dest
    IN  /\ m.type = "AppendEntries"
        /\ m.term = current_term[i]
        /\ role[i] = "CANDIDATE"
        /\ role' = [role EXCEPT ![i] = "FOLLOWER"]
        /\ UNCHANGED <<current_term, voted_for, log, commit_index,
                       votes_responded, votes_granted, next_index,
                       match_index, messages>>

\* The log of server i holds, where an entry of the message belongs, one of
\* another term.
conflicts(i, m) ==
    LET prev == m.prev_log_index
    IN  \E n \in prev + 1 .. Min({prev + Len(m.entries), Len(log[i])}) :
            term_at(log[i], n) # m.entries[n - prev].term

\* The receiver's log differs from the leader's: its last entry goes, until it
\* no longer does.
remove_conflicting_entry(m) ==
    LET i == m.dest
    IN  /\ m.type = "AppendEntries"
        /\ is_follower_of(i, m)
        /\ fits(i, m)
        /\ conflicts(i, m)
        /\ log' = [log EXCEPT ![i] = Front(@)]
        /\ UNCHANGED <<current_term, voted_for, role, commit_index,
                       votes_responded, votes_granted, next_index,
                       match_index, messages>>

\* The receiver's log goes on where the leader's does; the message remains to be
\* answered.
append_new_entries(m) ==
    LET i == m.dest
    IN  /\ m.type = "AppendEntries"
        /\ is_follower_of(i, m)
        /\ fits(i, m)
        /\ ~conflicts(i, m)
        /\ Len(log[i]) < m.prev_log_index + Len(m.entries)
        /\ log' = [log EXCEPT ![i] = @ \o
                                         Suffix(m.entries,
                                                Len(@) - m.prev_log_index)]
        /\ UNCHANGED <<current_term, voted_for, role, commit_index,
                       votes_responded, votes_granted, next_index,
                       match_index, messages>>

\* How far server i has committed after the message: what the leader says, even
\* if that is less.
follow_commit(i, m) == m.leader_commit

\* The receiver's log has it all: it says so, and takes over how far the leader
\* has committed.
accept_entries(m) ==
    LET i == m.dest
        end == m.prev_log_index + Len(m.entries)
    IN  /\ m.type = "AppendEntries"
        /\ is_follower_of(i, m)
        /\ fits(i, m)
        /\ ~conflicts(i, m)
        /\ Len(log[i]) >= end
        /\ reply(m,
                 [type |-> "AppendEntriesResponse",
                  source |-> i,
                  dest |-> m.source,
                  term |-> current_term[i],
                  success |-> TRUE,
                  match_index |-> end])
        /\ commit_index' = [commit_index EXCEPT ![i] = follow_commit(i, m)]
        /\ UNCHANGED <<current_term, voted_for, log, role, votes_responded,
                       votes_granted, next_index, match_index>>

\* The leader notes how far the sender's log is its own, or where to try next.
handle_append_response(m) ==
    LET i == m.dest
        j == m.source
    IN  /\ m.type = "AppendEntriesResponse"
        /\ m.term = current_term[i]
        /\ IF m.success
             THEN /\ next_index' = [next_index EXCEPT
                                       ![i][j] = m.match_index + 1]
                  /\ match_index' = [match_index EXCEPT ![i][j] = m.match_index]
             ELSE /\ next_index' = [next_index EXCEPT ![i][j] = Max({@ - 1, 1})]
                  /\ UNCHANGED match_index
        /\ messages' = messages (-) SetToBag({m})
        /\ UNCHANGED <<current_term, voted_for, log, role, commit_index,
                       votes_responded, votes_granted>>

\* A majority, leader i included, is known to have the entry at the index.
is_agreed(i, index) ==
    is_quorum(i, {j \in Server : j = i \/ match_index[i][j] >= index})

\* Only entries of the leader's own term are committed by counting (section
\* 5.4.2, Figure 8).
may_commit(i, index) == term_at(log[i], index) = current_term[i]

\* Leader i commits up to the last entry that a majority has, if it is one of
\* its own term (section 5.4.2).
advance_commit_index(i) ==
    LET agreed == Max({0} \union {n \in 1..Len(log[i]) : is_agreed(i, n)})
    IN  /\ role[i] = "LEADER"
        /\ commit_index' = IF agreed > 0 /\ may_commit(i, agreed)
                             THEN [commit_index EXCEPT ![i] = agreed]
                             ELSE commit_index
        /\ UNCHANGED <<current_term, voted_for, log, role, votes_responded,
                       votes_granted, next_index, match_index, messages>>

--------------------------------------------------------------------------------
\* The network (section 2)

\* An answer of an older term is of no interest any more.
drop_stale_response(m) ==
    /\ m.type \in {"AppendEntriesResponse", "RequestVoteResponse"}
    /\ m.term < current_term[m.dest]
    /\ messages' = messages (-) SetToBag({m})
    /\ UNCHANGED <<current_term, voted_for, log, role, commit_index,
                   votes_responded, votes_granted, next_index, match_index>>

\* The network delivers a message once more.
duplicate(m) ==
    /\ messages' = messages (+) SetToBag({m})
    /\ UNCHANGED <<current_term, voted_for, log, role, commit_index,
                   votes_responded, votes_granted, next_index, match_index>>

\* The network loses a message.
drop(m) ==
    /\ messages' = messages (-) SetToBag({m})
    /\ UNCHANGED <<current_term, voted_for, log, role, commit_index,
                   votes_responded, votes_granted, next_index, match_index>>

--------------------------------------------------------------------------------
\* What it guarantees (Figure 3)

\* At most one leader can be elected in a given term (section 5.2).
election_safety ==
    LET leaders == {i \in Server : role[i] = "LEADER"}
    IN  \A i, j \in leaders : current_term[i] = current_term[j] => i = j

\* A leader never overwrites or deletes entries in its log; it only appends new
\* entries (section 5.3).
leader_append_only ==
    \A i \in Server :
        role[i] = "LEADER" => Prefix(log'[i], Len(log[i])) = log[i]

\* If two logs have an entry with the same index and term, they are identical up
\* to it (section 5.3).
log_matching ==
    \A i, j \in Server :
        \A n \in 1 .. Min({Len(log[i]), Len(log[j])}) :
            term_at(log[i], n) = term_at(log[j], n)
              => Prefix(log[i], n) = Prefix(log[j], n)

\* What server i knows to be committed.
committed(i) == Prefix(log[i], commit_index[i])

\* What is committed in a term is in the logs of the leaders of all later terms
\* (section 5.4).
\*
\* Said of what a server knows to be committed, which was committed in a term no
\* later than its own.
leader_completeness ==
    \A i, j \in Server :
        role[j] = "LEADER" /\ current_term[j] >= current_term[i]
          => Prefix(log[j], commit_index[i]) = committed(i)

\* No two servers apply different entries at the same index (section 5.4.3): one
\* has committed a part of the other's.
state_machine_safety ==
    \A i, j \in Server : Prefix(committed(i), commit_index[j])
                           = Prefix(committed(j), commit_index[i])

\* What a server knows to be committed is in its own log, and in those of a
\* majority.
committed_is_on_a_majority ==
    \A i \in Server :
        /\ commit_index[i] <= Len(log[i])
        /\ is_quorum(i,
                     {j \in Server : Prefix(log[j], commit_index[i])
                                       = committed(i)})

ASSUME something_can_happen

--------------------------------------------------------------------------------
\* The steps.
Next ==
    /\ \/ \E m \in BagToSet(messages) : update_term(m)
       \/ \E i \in Server : restart(i)
       \/ \E i \in Server : timeout(i)
       \/ \E i, j \in Server : request_vote(i, j)
       \/ \E m \in BagToSet(messages) : handle_request_vote(m)
       \/ \E m \in BagToSet(messages) : handle_vote_response(m)
       \/ \E i \in Server : become_leader(i)
       \/ \E i \in Server, v \in Value : client_request(i, v)
       \/ \E i, j \in Server : append_entries(i, j)
       \/ \E m \in BagToSet(messages) : reject_entries(m)
       \/ \E m \in BagToSet(messages) : return_to_follower(m)
       \/ \E m \in BagToSet(messages) : remove_conflicting_entry(m)
       \/ \E m \in BagToSet(messages) : append_new_entries(m)
       \/ \E m \in BagToSet(messages) : accept_entries(m)
       \/ \E m \in BagToSet(messages) : handle_append_response(m)
       \/ \E i \in Server : advance_commit_index(i)
       \/ \E m \in BagToSet(messages) : drop_stale_response(m)
       \/ \E m \in BagToSet(messages) : duplicate(m)
       \/ \E m \in BagToSet(messages) : drop(m)
    /\ TypeOK'

Spec == Init /\ [][Next]_vars

\* TLC also checks invariants in states that a constraint excludes, where
\* nothing is claimed.
in_bounds ==
    /\ within_bounds
    /\ one_candidate_in_calm

election_safety_in_bounds == in_bounds => election_safety

log_matching_in_bounds == in_bounds => log_matching

leader_completeness_in_bounds == in_bounds => leader_completeness

state_machine_safety_in_bounds == in_bounds => state_machine_safety

committed_is_on_a_majority_in_bounds == in_bounds => committed_is_on_a_majority

leader_append_only_always == [][in_bounds' => leader_append_only]_vars

================================================================================

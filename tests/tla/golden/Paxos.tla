--------------------------------- MODULE Paxos ---------------------------------
(******************************************************************************)
(* Single-decree Paxos.                                                       *)
(*                                                                            *)
(* Paxos: the Synod with one quorum system, any two of whose quorums meet.    *)
(*                                                                            *)
(* See `synod` for the messages, the two phases and what they come to. It is  *)
(* a way of voting, which it refines. (Lamport, "Paxos Made Simple", 2001,    *)
(* section 2.2; module Paxos of his specifications.)                          *)
(******************************************************************************)
EXTENDS Integers, FiniteSets

CONSTANTS
    Acceptor,   \* Votes; any two are interchangeable.
    MaxBallot,  \* the last Ballot
    Value,      \* What may be chosen.
    quorums,
    None        \* stands for no value

\* Attempts, totally ordered; each belongs to one proposer, which the models
\* leave out.
Ballot == 0..MaxBallot

\* Cast by an acceptor in a ballot for a value.
Vote == [ballot : Ballot, value : Value]

\* 2b: an acceptor has voted.
Accepted ==
    [type : {"Accepted"}, acceptor : Acceptor, ballot : Ballot, value : Value]

\* 1a: the leader of a ballot asks for promises.
Prepare == [type : {"Prepare"}, ballot : Ballot]

\* 1b: an acceptor will not vote below the ballot any more; it reports the last
\* vote it cast.
Promise ==
    [type : {"Promise"}, acceptor : Acceptor, ballot : Ballot,
     voted : Vote \union {None}]

\* 2a: the leader of a ballot asks for votes.
Propose == [type : {"Propose"}, ballot : Ballot, value : Value]

VARIABLES
    max_ballot,  \* the largest ballot that a has answered in
    voted,       \* the last vote that a has cast
    messages

vars == <<max_ballot, voted, messages>>

\* The types of the variables.
TypeOK ==
    /\ max_ballot \in [Acceptor -> Ballot \union {None}]
    /\ voted \in [Acceptor -> Vote \union {None}]
    /\ messages \subseteq Accepted \union Prepare \union Promise \union Propose

\* The initial state.
Init ==
    /\ max_ballot = [a \in Acceptor |-> None]
    /\ voted = [a \in Acceptor |-> None]
    /\ messages = {}

--------------------------------------------------------------------------------
\* Phase 1

\* 1a: a leader begins ballot b.
prepare(b) ==
    /\ messages' = messages \union {[type |-> "Prepare", ballot |-> b]}
    /\ UNCHANGED <<max_ballot, voted>>

\* Whether one ballot is no larger than another, None being before every ballot.
at_most(earlier, later) == earlier # None => later # None /\ earlier <= later

\* 1b: acceptor a answers a ballot larger than any that it has answered in.
promise(a, b) ==
    /\ [type |-> "Prepare", ballot |-> b] \in messages
    /\ ~at_most(b, max_ballot[a])
    /\ max_ballot' = [max_ballot EXCEPT ![a] = b]
    /\ messages' = messages \union
                       {[type |-> "Promise", acceptor |-> a, ballot |-> b,
                         voted |-> voted[a]]}
    /\ UNCHANGED voted

\* The leader of b has asked for votes.
has_proposed(b) ==
    \E v \in Value :
        [type |-> "Propose", ballot |-> b, value |-> v] \in messages

\* The same for both phases.
phase1_quorums == quorums

\* What acceptors have answered to the leader of b.
answers(b) == {m \in messages : m.type = "Promise" /\ m.ballot = b}

\* Value v is what the vote with the largest ballot is for, or there is no vote
\* (P2c).
follows(v, votes) ==
    \/ votes = {}
    \/ \E w \in votes : w.value = v /\ \A x \in votes : x.ballot <= w.ballot

\* The whole quorum has answered in b, and its answers leave v to be proposed.
allows(quorum, b, v) ==
    LET answers_ == {m \in answers(b) : m.acceptor \in quorum}
        votes == {m.voted : m \in {m \in answers_ : m.voted # None}}
    IN  /\ \A a \in quorum : \E m \in answers_ : m.acceptor = a
        /\ follows(v, votes)

--------------------------------------------------------------------------------
\* Phase 2

\* 2a: the leader of b asks for votes for v, once, if the answers of a quorum
\* allow it.
propose(b, v) ==
    /\ ~has_proposed(b)
    /\ \E quorum \in phase1_quorums : allows(quorum, b, v)
    /\ messages' = messages \union
                       {[type |-> "Propose", ballot |-> b, value |-> v]}
    /\ UNCHANGED <<max_ballot, voted>>

\* Acceptor a has not answered in any ballot larger than b (P1a).
may_vote(a, b) == at_most(max_ballot[a], b)

\* 2b: acceptor a votes as it is asked, unless it has promised not to.
accept(a, b, v) ==
    /\ [type |-> "Propose", ballot |-> b, value |-> v] \in messages
    /\ may_vote(a, b)
    /\ max_ballot' = [max_ballot EXCEPT ![a] = b]
    /\ voted' = [voted EXCEPT ![a] = [ballot |-> b, value |-> v]]
    /\ messages' = messages \union
                       {[type |-> "Accepted", acceptor |-> a, ballot |-> b,
                         value |-> v]}

\* The same for both phases.
phase2_quorums == quorums

--------------------------------------------------------------------------------
\* What it comes to

\* A quorum has voted for v in b.
chosen_at(b, v) ==
    \E quorum \in phase2_quorums :
        \A a \in quorum :
            [type |-> "Accepted", acceptor |-> a, ballot |-> b, value |-> v]
              \in messages

\* Value v has been chosen in some ballot.
chosen(v) == \E b \in Ballot : chosen_at(b, v)

\* Only a single value is chosen.
agreement == \A v, w \in Value : chosen(v) /\ chosen(w) => v = w

\* A leader never asks for votes for two values in one ballot.
one_value_per_ballot ==
    \A b \in Ballot, v, w \in Value :
        (/\ [type |-> "Propose", ballot |-> b, value |-> v] \in messages
         /\ [type |-> "Propose", ballot |-> b, value |-> w] \in messages)
          => v = w

\* All that acceptor a has voted for.
votes_of(a) ==
    {vote \in Vote : [type |-> "Accepted", acceptor |-> a,
                      ballot |-> vote.ballot, value |-> vote.value]
                       \in messages}

\* Acceptor a has cast no vote in b and never will.
cannot_vote_in(a, b) ==
    ~at_most(max_ballot[a], b) /\ \A vote \in votes_of(a) : vote.ballot # b

\* No value but v has been or can ever be chosen in a ballot before b.
safe_at(b, v) ==
    \A c \in Ballot :
        c < b
          => \E q \in phase1_quorums :
                 \A a \in q : [type |-> "Accepted", acceptor |-> a,
                               ballot |-> c, value |-> v]
                                \notin messages
                                => cannot_vote_in(a, c)

\* Votes are asked for only where no other value can have been chosen before.
proposals_are_safe ==
    \A m \in messages : m.type = "Propose" => safe_at(m.ballot, m.value)

\* Acceptors vote for nothing but proposals; so what is chosen was proposed.
votes_were_proposed ==
    \A m \in messages :
        m.type = "Accepted"
          => [type |-> "Propose", ballot |-> m.ballot, value |-> m.value]
               \in messages

\* No acceptor goes back to a lower ballot.
promises_only_rise == \A a \in Acceptor : at_most(max_ballot[a], max_ballot'[a])

\* What has been chosen stays chosen.
chosen_for_good == \A v \in Value : chosen(v) => chosen(v)'

\* Any two quorums must have a member in common.
\*
\* Make the quorums larger, or leave `quorums` out for majorities.
quorums_meet == \A p, q \in quorums : p \intersect q # {}

ASSUME quorums_meet

--------------------------------------------------------------------------------
\* The steps.
Next ==
    \/ \E b \in Ballot : prepare(b)
    \/ \E a \in Acceptor, b \in Ballot : promise(a, b)
    \/ \E b \in Ballot, v \in Value : propose(b, v)
    \/ \E a \in Acceptor, b \in Ballot, v \in Value : accept(a, b, v)

Spec == Init /\ [][Next]_vars

--------------------------------------------------------------------------------
\* The votes are those in the messages; asking for promises and for votes
\* changes nothing.
Voting == INSTANCE Voting WITH
    votes <- [a \in Acceptor |-> votes_of(a)],
    max_ballot <- max_ballot

promises_only_rise_always == [][promises_only_rise]_vars

chosen_for_good_always == [][chosen_for_good]_vars

as_voting ==
    /\ Voting!Init
    /\ [][UNCHANGED Voting!vars \/ Voting!Next]_vars

================================================================================

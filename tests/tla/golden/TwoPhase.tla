------------------------------- MODULE TwoPhase --------------------------------
(******************************************************************************)
(* One transaction.                                                           *)
(*                                                                            *)
(* Two-phase commit: a transaction manager collects who is prepared, then     *)
(* tells all to commit or to abort.                                           *)
(*                                                                            *)
(* As in `paxos.paxos`, messages are never taken back. A transaction manager  *)
(* that fails after all have prepared leaves them waiting; nothing goes       *)
(* wrong, and nothing goes on. (Gray & Lamport, "Consensus on Transaction     *)
(* Commit", 2006, section 3; module TwoPhase of their specifications.)        *)
(******************************************************************************)
EXTENDS Integers

CONSTANT
    \* Takes part in the transaction; any two are interchangeable.
    ResourceManager

\* How far a resource manager has come.
RMState == {"WORKING", "PREPARED", "COMMITTED", "ABORTED"}

\* What the transaction manager has decided.
TMState == {"INIT", "COMMITTED", "ABORTED"}

\* The transaction manager to all: the decision is to abort.
Abort == [type : {"Abort"}]

\* The transaction manager to all: the decision is to commit.
Commit == [type : {"Commit"}]

\* A resource manager to the transaction manager: it is ready to commit.
Prepared == [type : {"Prepared"}, manager : ResourceManager]

VARIABLES
    rm_state,
    tm_state,
    tm_prepared,  \* those that the transaction manager knows to be prepared
    messages

vars == <<rm_state, tm_state, tm_prepared, messages>>

\* The types of the variables.
TypeOK ==
    /\ rm_state \in [ResourceManager -> RMState]
    /\ tm_state \in TMState
    /\ tm_prepared \subseteq ResourceManager
    /\ messages \subseteq Abort \union Commit \union Prepared

\* The initial state.
Init ==
    /\ rm_state = [rm \in ResourceManager |-> "WORKING"]
    /\ tm_state = "INIT"
    /\ tm_prepared = {}
    /\ messages = {}

--------------------------------------------------------------------------------
\* The transaction manager

\* It learns that r is prepared.
tm_receive_prepared(r) ==
    /\ tm_state = "INIT"
    /\ [type |-> "Prepared", manager |-> r] \in messages
    /\ tm_prepared' = tm_prepared \union {r}
    /\ UNCHANGED <<rm_state, tm_state, messages>>

\* Every resource manager has said that it is prepared.
may_commit == \A r \in ResourceManager : r \in tm_prepared

\* It decides to commit, once it knows that all are prepared.
tm_commit ==
    /\ tm_state = "INIT"
    /\ may_commit
    /\ tm_state' = "COMMITTED"
    /\ messages' = messages \union {[type |-> "Commit"]}
    /\ UNCHANGED <<rm_state, tm_prepared>>

\* It decides to abort; while undecided it may do so at any time.
tm_abort ==
    /\ tm_state = "INIT"
    /\ tm_state' = "ABORTED"
    /\ messages' = messages \union {[type |-> "Abort"]}
    /\ UNCHANGED <<rm_state, tm_prepared>>

--------------------------------------------------------------------------------
\* The resource managers

\* Resource manager r has done its work and says so; from here on it waits to be
\* told.
rm_prepare(r) ==
    /\ rm_state[r] = "WORKING"
    /\ rm_state' = [rm_state EXCEPT ![r] = "PREPARED"]
    /\ messages' = messages \union {[type |-> "Prepared", manager |-> r]}
    /\ UNCHANGED <<tm_state, tm_prepared>>

\* Resource manager r has not said yet that it is prepared.
may_abort(r) == rm_state[r] = "WORKING"

\* Resource manager r gives up by itself.
rm_choose_to_abort(r) ==
    /\ may_abort(r)
    /\ rm_state' = [rm_state EXCEPT ![r] = "ABORTED"]
    /\ UNCHANGED <<tm_state, tm_prepared, messages>>

\* Resource manager r is told to commit.
rm_receive_commit(r) ==
    /\ [type |-> "Commit"] \in messages
    /\ rm_state' = [rm_state EXCEPT ![r] = "COMMITTED"]
    /\ UNCHANGED <<tm_state, tm_prepared, messages>>

\* Resource manager r is told to abort.
rm_receive_abort(r) ==
    /\ [type |-> "Abort"] \in messages
    /\ rm_state' = [rm_state EXCEPT ![r] = "ABORTED"]
    /\ UNCHANGED <<tm_state, tm_prepared, messages>>

--------------------------------------------------------------------------------
\* What it comes to

\* No resource manager aborts where another commits.
consistency ==
    ~(/\ \E r \in ResourceManager : rm_state[r] = "ABORTED"
      /\ \E r \in ResourceManager : rm_state[r] = "COMMITTED")

\* Nobody is told to commit where somebody is told to abort.
one_decision ==
    ~([type |-> "Commit"] \in messages /\ [type |-> "Abort"] \in messages)

\* The decision is to commit only if every resource manager was prepared, and
\* none has aborted.
commit_needs_all ==
    \/ tm_state # "COMMITTED"
    \/ \A r \in ResourceManager : rm_state[r] \in {"PREPARED", "COMMITTED"}

\* A resource manager that has committed or aborted stays so.
decided_for_good ==
    \A r \in ResourceManager :
        rm_state[r] \in {"COMMITTED", "ABORTED"} => rm_state'[r] = rm_state[r]

--------------------------------------------------------------------------------
\* The steps.
Next ==
    \/ \E r \in ResourceManager : tm_receive_prepared(r)
    \/ tm_commit
    \/ tm_abort
    \/ \E r \in ResourceManager : rm_prepare(r)
    \/ \E r \in ResourceManager : rm_choose_to_abort(r)
    \/ \E r \in ResourceManager : rm_receive_commit(r)
    \/ \E r \in ResourceManager : rm_receive_abort(r)

Spec == Init /\ [][Next]_vars

--------------------------------------------------------------------------------
\* Who has prepared, committed and aborted; the rest is how they come to know.
TransactionCommit == INSTANCE TransactionCommit WITH
    state <- rm_state

decided_for_good_always == [][decided_for_good]_vars

as_transaction_commit ==
    /\ TransactionCommit!Init
    /\ [][UNCHANGED TransactionCommit!vars \/ TransactionCommit!Next]_vars

================================================================================

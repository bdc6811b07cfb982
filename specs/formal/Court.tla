-------------------------------- MODULE Court --------------------------------
(* The ledger around the game (L-3.3, L-3.4, L-5.8 to L-5.11): one claim, its disputes, stake, and clocks.

   What is played inside a dispute is not modeled here (that is Game.tla): a dispute waits for one side or the other,
   and its judging move may decide either way. At most `Most` disputes are started, the others are queued. The
   accused has one clock for the claim, which runs while any started dispute waits for it, and whose budget grows by
   one span with each dispute that starts; a challenger has one of one span for its dispute.

   Invariants I5 and I6 are those of REVIEW's list: stake is conserved; a halt of any length between two blocks
   expires no clock by more than one block's credit. *)
EXTENDS Naturals, Sequences, FiniteSets, TLC

CONSTANTS
    Disputes,    \* one challenger each
    Most,        \* started at once
    Gaps,        \* milliseconds between two blocks: ordinary, and a halt; none: time stands still
    Bug          \* "none", or the mistake that is planted

Lock == 7
Bond == 3            \* odd: its half is rounded
Bounty == 2
Reward == 5
Credit == 2          \* most milliseconds that a block credits
SpanHeights == 1     \* of a span
SpanMs == 2

Symmetric == Permutations(Disputes)
Count(S) == Cardinality(S)
Min(a, b) == IF a < b THEN a ELSE b

VARIABLES
    claim,       \* "open", "convicted", "verified"
    status,      \* of each dispute
    queue,       \* disputes that are not started, in their order
    clocks,      \* of each dispute's challenger, and of the accused (0)
    spans,       \* disputes that have started: the accused's budget
    full,        \* whether the last block was full of dispute transactions
    free,        \* stake that answers for nothing: of each challenger, and of the accused (0)
    locked,      \* stake that does
    escrow, burned

vars == << claim, status, queue, clocks, spans, full, free, locked, escrow, burned >>
money == << free, locked, escrow, burned >>

Accused == 0
Parties == Disputes \cup {Accused}
Started(s) == {d \in Disputes : s[d] \in {"accused", "challenger"}}
IsOpen(d) == status[d] \in {"queued", "accused", "challenger"}

Zero == [heights |-> 0, quiet |-> 0, ms |-> 0]

Init ==
    /\ claim = "open" /\ status = [d \in Disputes |-> "none"] /\ queue = << >>
    /\ clocks = [p \in Parties |-> Zero] /\ spans = 0 /\ full = FALSE
    /\ free = [p \in Parties |-> IF p = Accused THEN 0 ELSE Bond]
    /\ locked = [p \in Parties |-> IF p = Accused THEN Lock ELSE 0]
    /\ escrow = Reward /\ burned = 0

-----------------------------------------------------------------------------
(* Time. A clock is over when its heights and its milliseconds are above the budget (L-3.4). `quiet` counts, beside
   the rules, the heights that may have credited something. Counters stop behind the largest budget. *)

Budget(p) == IF p = Accused THEN spans ELSE 1
Largest(p) == IF p = Accused THEN Count(Disputes) ELSE 1
RunsOut(p) ==
    LET h == clocks[p].heights > Budget(p) * SpanHeights
        t == clocks[p].ms > Budget(p) * SpanMs
    IN IF Bug = "either is enough" THEN h \/ t ELSE h /\ t

IsRunning(p) ==
    IF p = Accused THEN \E d \in Disputes : status[d] = "accused" ELSE status[p] = "challenger"
CreditOf(gap) ==
    CASE Bug = "raw time" -> gap
      [] full /\ Bug # "full blocks credit" -> 0
      [] OTHER -> Min(gap, Credit)
Ticked(p, gap) ==
    LET c == clocks[p]
        last == Largest(p) * SpanMs + 1
    IN [heights |-> Min(c.heights + 1, last), quiet |-> Min(IF full THEN c.quiet ELSE c.quiet + 1, last),
        ms |-> Min(c.ms + CreditOf(gap), last)]

Block(gap) ==
    /\ claim = "open"
    /\ clocks' = [p \in Parties |-> IF IsRunning(p) THEN Ticked(p, gap) ELSE clocks[p]]
    /\ full' \in BOOLEAN
    /\ UNCHANGED << claim, status, queue, spans, money >>

-----------------------------------------------------------------------------
(* Disputes. *)

Starts(s, q, n) ==   \* status, queue and spans after the first in the queue has found a place, if there is one
    IF q # << >> /\ Count(Started(s)) < Most
    THEN [status |-> [s EXCEPT ![Head(q)] = "accused"], queue |-> Tail(q), spans |-> n + 1]
    ELSE [status |-> s, queue |-> q, spans |-> n]

Becomes(after) == status' = after.status /\ queue' = after.queue /\ spans' = after.spans

Dispute(d) ==
    /\ claim = "open" /\ status[d] = "none" /\ free[d] >= Bond
    /\ free' = [free EXCEPT ![d] = @ - Bond]
    /\ locked' = [locked EXCEPT ![d] = @ + Bond]
    /\ Becomes(Starts([status EXCEPT ![d] = "queued"], Append(queue, d), spans))
    /\ UNCHANGED << claim, clocks, full, escrow, burned >>

\* A move passes the turn; one that comes late still counts (L-3.4).
Move(d) ==
    /\ \/ status[d] = "accused" /\ status' = [status EXCEPT ![d] = "challenger"]
       \/ status[d] = "challenger" /\ status' = [status EXCEPT ![d] = "accused"]
    /\ UNCHANGED << claim, queue, clocks, spans, full, money >>

\* The challenger loses its bond: half to the accused, rounded down, the rest burned.
Lose(d) ==
    LET half == Bond \div 2
        rest == IF Bug = "both halves rounded" THEN half ELSE Bond - half
    IN /\ locked' = [locked EXCEPT ![d] = @ - Bond]
       /\ free' = [free EXCEPT ![Accused] = @ + half]
       /\ burned' = burned + rest
       /\ Becomes(Starts([status EXCEPT ![d] = "lost"], queue, spans))
       /\ clocks' = [clocks EXCEPT ![d] = Zero]
       /\ UNCHANGED << claim, full, escrow >>

\* The accused loses its lock, once: one bounty, the rest burned; every other dispute ends with its bond free.
Win(d) ==
    LET open == {e \in Disputes : IsOpen(e)}
        paid == IF Bug = "a bounty each" THEN open ELSE {d}
    IN /\ claim' = "convicted"
       /\ locked' = [p \in Parties |-> IF p \in open THEN locked[p] - Bond
                                       ELSE IF p = Accused THEN locked[p] - Lock ELSE locked[p]]
       /\ free' = [p \in Parties |-> free[p] + (IF p \in open THEN Bond ELSE 0) + (IF p \in paid THEN Bounty ELSE 0)]
       /\ burned' = burned + Lock - Bounty
       /\ status' = [e \in Disputes |-> IF e = d THEN "won" ELSE IF e \in open THEN "settled" ELSE status[e]]
       /\ queue' = << >>
       /\ clocks' = [p \in Parties |-> Zero]
       /\ UNCHANGED << spans, full, escrow >>

\* The judging move is the challenger's, and the referee decides.
Judge(d) == status[d] = "challenger" /\ (Lose(d) \/ Win(d))
Timeout(d) ==
    \/ status[d] = "accused" /\ RunsOut(Accused) /\ Win(d)
    \/ status[d] = "challenger" /\ RunsOut(d) /\ Lose(d)

Settle ==
    /\ claim = "open" /\ \A d \in Disputes : ~IsOpen(d)
    /\ claim' = "verified"
    /\ locked' = [locked EXCEPT ![Accused] = @ - Lock]
    /\ free' = [free EXCEPT ![Accused] = @ + Lock + Reward]
    /\ escrow' = escrow - Reward
    /\ clocks' = [p \in Parties |-> Zero]
    /\ UNCHANGED << status, queue, spans, full, burned >>

Next ==
    \/ \E gap \in Gaps : Block(gap)
    \/ \E d \in Disputes : Dispute(d) \/ Move(d) \/ Judge(d) \/ Timeout(d)
    \/ Settle

Spec == Init /\ [][Next]_vars

-----------------------------------------------------------------------------
RECURSIVE Sum(_, _)
Sum(f, S) == IF S = {} THEN 0 ELSE LET p == CHOOSE x \in S : TRUE IN f[p] + Sum(f, S \ {p})

\* All value is somewhere, and stake answers for exactly what is open.
I5 ==
    /\ Sum(free, Parties) + Sum(locked, Parties) + escrow + burned = Lock + Reward + Bond * Count(Disputes)
    /\ locked[Accused] = IF claim = "open" THEN Lock ELSE 0
    /\ \A d \in Disputes : locked[d] = IF IsOpen(d) THEN Bond ELSE 0
    /\ Count({d \in Disputes : free[d] > Bond}) <= 1

\* However long a block was waited for, a clock has got no more than a block's credit for it.
I6 == \A p \in Parties :
        /\ clocks[p].ms <= Credit * clocks[p].quiet
        /\ RunsOut(p) => clocks[p].heights > Budget(p) * SpanHeights /\ Credit * clocks[p].quiet > Budget(p) * SpanMs

\* At most so many are started, and nobody waits while there is a place.
Queued ==
    /\ Count(Started(status)) <= Most
    /\ queue # << >> => Count(Started(status)) = Most
    /\ \A d \in Disputes : status[d] = "queued" <=> \E i \in 1 .. Len(queue) : queue[i] = d
=============================================================================

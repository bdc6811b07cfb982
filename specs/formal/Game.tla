-------------------------------- MODULE Game --------------------------------
(* The dispute game of V-4: one accused, one claim, N parallel disputes that share one binding trace.

   A hash that nobody can invert or collide is modeled by what it stands for: a root is the list under it, and an
   opening that is checked against its node shows the node's own slices. `Junk` is a digest of nothing: nobody can
   open it. The unit is small, but it has what units have: a list of three outputs and two claimed entries, an
   element-wise row, a row reduction with two lanes, a chain of three links, and an entry that reads the one to its
   right. Values are numbers modulo M; products make some lies disappear, as rounding does.

   Invariants I1 to I4 are those of V-4.1. I5 and I6 are in Court.tla. *)
EXTENDS Naturals, Sequences

CONSTANTS
    N,        \* disputes over the unit; the first one's challenger is honest if the claim is wrong
    M,        \* values are 0 .. M - 1
    IsWide,   \* whether outputs have more than one chunk and lanes more than one link
    HasJunk,  \* whether the accused may commit to digests of nothing
    Bug       \* "none", or the mistake that is planted

Arity == 2    \* children of a node, intervals of a stretch (256 on the ledger)
Tile == 2     \* elements of a chunk (256 on the ledger)
Disputes == 1 .. N
Values == 0 .. M - 1
Junk == << >>

Min(a, b) == IF a < b THEN a ELSE b
CeilDiv(a, b) == (a + b - 1) \div b
Max(S) == CHOOSE x \in S : \A y \in S : y <= x
Range(n) == 1 .. n

-----------------------------------------------------------------------------
(* The unit's program (V-3.7). Rows 1 to 3 write the op list, row 4 the right entry, row 5 the left one. *)

Rows == 1 .. 5
Size == IF IsWide THEN << 3, 1, 2, 2, 1 >> ELSE << 2, 1, 1, 2, 1 >>
Form == << "element", "lanes", "chain", "element", "element" >>
Lanes == 2
RowOf(list, at) == IF list = "ops" THEN at ELSE 6 - at
Pre == << 1, 0, 1 >>

\* Links of a chain, and the term that a link folds in.
Links(r, lane) == CASE Form[r] = "lanes" -> CeilDiv(Size[1] + 1 - lane, Lanes)
                    [] Form[r] = "chain" -> 3
                    [] OTHER -> 0
TermOf(r, lane, link) == IF Form[r] = "lanes" THEN lane - 1 + Lanes * link ELSE link

\* Where the program says that each operand lies (V-4.5): a root, a leaf under it, an element.
At(leaf, at, e) == [leaf |-> leaf, at |-> at, e |-> e]
Operands(r, e, t) ==
    CASE r = 1 -> << At("pre", 0, e) >>
      [] r = 2 -> << At("ops", 1, t + 1) >>
      [] r = 3 -> << At("ops", 1, ((t + e) % Size[1]) + 1), At("ops", 2, 1) >>
      [] r = 4 -> << At("pre", 0, e), At("ops", 3, ((e - 1) % Size[3]) + 1) >>
      [] r = 5 -> << At("pre", 0, 1), At("post", 2, 1), At("post", 2, 2) >>

\* The row's definition: an element of its operands, or the accumulator with one term folded in.
Define(r, acc, w) ==
    CASE r = 1 -> (w[1] + 1) % M
      [] r = 2 -> (acc + w[1]) % M
      [] r = 3 -> (acc + w[1] * w[2]) % M
      [] r = 4 -> (w[1] + w[2]) % M
      [] r = 5 -> (w[1] + w[2] * w[3]) % M
Join(totals) == (totals[1] + totals[2]) % M

\* A run of the program, from its own outputs.
Word(ops, post, p) == CASE p.leaf = "pre" -> Pre[p.e]
                        [] p.leaf = "ops" -> ops[p.at][p.e]
                        [] p.leaf = "post" -> post[p.at][p.e]
Words(ops, post, r, e, t) ==
    LET places == Operands(r, e, t) IN [i \in Range(Len(places)) |-> Word(ops, post, places[i])]
RECURSIVE Accumulated(_, _, _, _, _, _)
Accumulated(ops, post, r, e, lane, links) ==
    IF links = 0 THEN 0
    ELSE Define(r, Accumulated(ops, post, r, e, lane, links - 1),
                Words(ops, post, r, e, TermOf(r, lane, links - 1)))
Output(ops, post, r) ==
    LET all(e, lane) == Accumulated(ops, post, r, e, lane, Links(r, lane))
    IN [e \in Range(Size[r]) |->
          CASE Form[r] = "element" -> Define(r, 0, Words(ops, post, r, e, 0))
            [] Form[r] = "lanes" -> Join([l \in Range(Lanes) |-> all(e, l)])
            [] Form[r] = "chain" -> all(e, 1)]

TrueOps == LET one == Output(<< >>, << >>, 1)
               two == Output(<< one >>, << >>, 2)
           IN << one, two, Output(<< one, two >>, << >>, 3) >>
TruePost == LET right == Output(TrueOps, << >>, 4)
            IN << Output(TrueOps, << Junk, right >>, 5), right >>
TrueList(list) == IF list = "ops" THEN TrueOps ELSE TruePost
TrueOut(r) == IF r <= 3 THEN TrueOps[r] ELSE TruePost[6 - r]
TrueWords(r, e, t) == Words(TrueOps, TruePost, r, e, t)
TrueAcc(r, e, lane, links) == Accumulated(TrueOps, TruePost, r, e, lane, links)

\* Everything that an accused may commit to.
Contents(r) == [Range(Size[r]) -> Values] \cup (IF HasJunk THEN {Junk} ELSE {})
AllOps == {<< a, b, c >> : a \in Contents(1), b \in Contents(2), c \in Contents(3)}
AllPosts == {<< p, m >> : p \in Contents(5), m \in Contents(4)}
AllLists(list) == IF list = "ops" THEN AllOps ELSE AllPosts

-----------------------------------------------------------------------------
VARIABLES
    honest,   \* whether the accused is
    claim,    \* the post-state that the accused has signed
    trace,    \* the op list that the ledger keeps for the unit; Junk until it is posted
    games     \* the disputes

vars == << honest, claim, trace, games >>

Start == [phase |-> "trace", list |-> "ops", lo |-> 1, val |-> << >>, kids |-> << >>, row |-> 0, elem |-> 0,
          claimed |-> 0, lane |-> 1, first |-> 0, end |-> 0, before |-> 0, words |-> << >>, winner |-> "none",
          accused |-> 0, challenger |-> 0]

Turn(s) == CASE s.phase = "over" -> "nobody"
             [] s.phase \in {"trace", "open", "reveal", "open chunks", "tile", "totals", "partials"} -> "accused"
             [] OTHER -> "challenger"

\* Whoever moves has made one move more.
Count(s) == IF Turn(s) = "accused" THEN [s EXCEPT !.accused = @ + 1] ELSE [s EXCEPT !.challenger = @ + 1]
Over(s, winner) ==
    [Start EXCEPT !.phase = "over", !.winner = winner, !.accused = s.accused, !.challenger = s.challenger]

\* The root that a list is proved under.
Committed(list) == IF list = "ops" THEN trace ELSE claim

RECURSIVE Below(_)
Below(n) == IF n <= Arity THEN 1 ELSE Arity * Below(CeilDiv(n, Arity))
Slices(lo, val) ==
    LET n == Len(val)
        step == Below(n)
    IN [i \in Range(CeilDiv(n, step)) |->
          [lo |-> lo + (i - 1) * step, val |-> SubSeq(val, (i - 1) * step + 1, Min(n, i * step))]]

Chunks(tensor) ==
    [i \in Range(CeilDiv(Len(tensor), Tile)) |->
        SubSeq(tensor, (i - 1) * Tile + 1, Min(Len(tensor), i * Tile))]

ListNode(s, lo, val) ==
    [s EXCEPT !.phase = IF Len(val) = 1 THEN "reveal" ELSE "open", !.lo = lo, !.val = val, !.kids = << >>]
ChunkNode(s, lo, val) ==
    [s EXCEPT !.phase = IF Len(val) = 1 THEN "tile" ELSE "open chunks", !.lo = lo, !.val = val, !.kids = << >>]

-----------------------------------------------------------------------------
(* What the moves lead to, in the order of V-4.2; the rules are V-4.3 and V-4.4. *)

Target(s, list) == ListNode([s EXCEPT !.list = list], 1, Committed(list))

\* Children that the accused may post: the node's own, where openings are hashed against it.
Openings(s) ==
    IF Bug = "unchecked lists" /\ s.phase = "open"
    THEN {Slices(s.lo, SubSeq(all, s.lo, s.lo + Len(s.val) - 1)) : all \in AllLists(s.list)}
    ELSE {Slices(s.lo, s.val)}
Opened(s, kids) ==
    [s EXCEPT !.phase = IF s.phase = "open" THEN "choose" ELSE "choose chunk", !.kids = kids]
Chosen(s, i) ==
    IF s.phase = "choose" THEN ListNode(s, s.kids[i].lo, s.kids[i].val)
    ELSE ChunkNode(s, s.kids[i].lo, s.kids[i].val)

Revealed(s) == [s EXCEPT !.phase = "name"]

\* The row that writes to the leaf, and its tensor with the revealed digest. Nothing is under a digest of nothing.
Named(s) ==
    LET r == RowOf(s.list, s.lo)
    IN IF s.val[1] = Junk
       THEN [s EXCEPT !.phase = IF Size[r] > Tile THEN "open chunks" ELSE "tile", !.row = r, !.val = << >>]
       ELSE ChunkNode([s EXCEPT !.row = r], 1, Chunks(s.val[1]))

Tiled(s) == [s EXCEPT !.phase = "element", !.val = s.val[1]]

Stretch(s, lane, first, end, before, after) ==
    [s EXCEPT !.phase = IF end - first = 1 THEN "judge" ELSE "partials", !.lane = lane, !.first = first,
              !.end = end, !.before = before, !.claimed = after, !.words = << >>]

Element(s, e) ==
    LET g == [s EXCEPT !.elem = (s.lo - 1) * Tile + e, !.claimed = s.val[e], !.val = << >>]
    IN CASE Form[s.row] = "element" -> [g EXCEPT !.phase = "judge"]
         [] Form[s.row] = "lanes" -> [g EXCEPT !.phase = "totals"]
         [] Form[s.row] = "chain" -> Stretch(g, 1, 0, Links(s.row, 1), 0, g.claimed)

Totals(s, totals) == [s EXCEPT !.phase = "lane", !.words = totals]
Lane(s, lane) == Stretch(s, lane, 0, Links(s.row, lane), 0, s.words[lane])

Interval(s) == CeilDiv(s.end - s.first, Arity)
Intervals(s) == CeilDiv(s.end - s.first, Interval(s))
Partials(s, words) == [s EXCEPT !.phase = "interval", !.words = words]
Narrowed(s, i) ==
    LET first == s.first + (i - 1) * Interval(s)
    IN Stretch(s, s.lane, first, Min(s.end, first + Interval(s)),
               IF i = 1 THEN s.before ELSE s.words[i - 1], s.words[i])

\* An operand is taken from under the root that the row names, and from nowhere else (V-4.5).
IsProved(p, w) ==
    CASE p.leaf = "pre" -> w = Pre[p.e]
      [] Bug = "own root" -> TRUE
      [] OTHER -> LET tensor == Committed(p.leaf)[p.at] IN tensor # Junk /\ tensor[p.e] = w
LastOperands(s) ==
    Operands(s.row, s.elem, IF Form[s.row] = "element" THEN 0 ELSE TermOf(s.row, s.lane, s.first))
AreProved(s, w) == LET p == LastOperands(s) IN \A i \in Range(Len(p)) : IsProved(p[i], w[i])
Judged(s, w) == Over(s, IF Define(s.row, s.before, w) = s.claimed THEN "accused" ELSE "challenger")

-----------------------------------------------------------------------------
(* The honest players (V-4.7), who know their own run and what was posted. An empty set: no move that counts. *)

Leftmost(mine, theirs) ==
    LET wrong == {i \in Range(Len(theirs)) : mine[i] # theirs[i]}
    IN IF wrong = {} \/ Bug = "first child" THEN 1 ELSE CHOOSE i \in wrong : \A j \in wrong : i <= j
Rightmost(mine, theirs) ==
    LET wrong == {i \in Range(Len(theirs)) : mine[i] # theirs[i]}
    IN IF wrong = {} THEN 1 ELSE Max(wrong)

MyPartials(s) ==
    [i \in Range(Intervals(s)) |->
        TrueAcc(s.row, s.elem, s.lane, Min(s.end, s.first + i * Interval(s)))]
MyTotals(s) == [l \in Range(Lanes) |-> TrueAcc(s.row, s.elem, l, Links(s.row, l))]
MyKids(s) ==
    IF s.phase = "choose"
    THEN Slices(s.lo, SubSeq(TrueList(s.list), s.lo, s.lo + Len(s.val) - 1))
    ELSE Slices(s.lo, SubSeq(Chunks(TrueOut(s.row)), s.lo, s.lo + Len(s.val) - 1))
MyTile(s) == Chunks(TrueOut(s.row))[s.lo]

HonestAccused(s) ==
    CASE s.phase = "open" -> {Opened(s, Slices(s.lo, s.val))}
      [] s.phase = "open chunks" -> {Opened(s, Slices(s.lo, s.val))}
      [] s.phase = "reveal" -> {Revealed(s)}
      [] s.phase = "tile" -> {Tiled(s)}
      [] s.phase = "totals" -> IF Join(MyTotals(s)) = s.claimed THEN {Totals(s, MyTotals(s))} ELSE {}
      [] s.phase = "partials" -> LET w == MyPartials(s) IN IF w[Len(w)] = s.claimed THEN {Partials(s, w)} ELSE {}

HonestChallenger(s) ==
    CASE s.phase = "target" -> {Target(s, IF trace # TrueOps THEN "ops" ELSE "post")}
      [] s.phase = "choose" ->
           {Chosen(s, IF s.list = "ops" \/ Bug = "leftmost entry" THEN Leftmost(MyKids(s), s.kids)
                      ELSE Rightmost(MyKids(s), s.kids))}
      [] s.phase = "choose chunk" -> {Chosen(s, Leftmost(MyKids(s), s.kids))}
      [] s.phase = "name" -> {Named(s)}
      [] s.phase = "element" -> {Element(s, Leftmost(MyTile(s), s.val))}
      [] s.phase = "lane" -> {Lane(s, Leftmost(MyTotals(s), s.words))}
      [] s.phase = "interval" -> {Narrowed(s, Leftmost(MyPartials(s), s.words))}
      [] s.phase = "judge" ->
           LET t == IF Form[s.row] = "element" THEN 0 ELSE TermOf(s.row, s.lane, s.first)
               w == TrueWords(s.row, s.elem, t)
           IN IF AreProved(s, w) THEN {Judged(s, w)} ELSE {}

(* The dishonest ones: any move that is not refused, or none until their clock has run out. *)

AnyAccused(s) ==
    {Over(s, "challenger")} \cup
    CASE s.phase = "open" -> {Opened(s, kids) : kids \in Openings(s)}
      [] s.phase = "open chunks" -> IF s.val = Junk THEN {} ELSE {Opened(s, kids) : kids \in Openings(s)}
      [] s.phase = "reveal" -> {Revealed(s)}
      [] s.phase = "tile" -> IF s.val = Junk THEN {} ELSE {Tiled(s)}
      [] s.phase = "totals" -> {Totals(s, w) : w \in {t \in [Range(Lanes) -> Values] : Join(t) = s.claimed}}
      [] s.phase = "partials" ->
           {Partials(s, w) : w \in
              {p \in [Range(Intervals(s)) -> Values] : Bug = "loose ends" \/ p[Intervals(s)] = s.claimed}}

AnyChallenger(s) ==
    {Over(s, "accused")} \cup
    CASE s.phase = "target" -> {Target(s, list) : list \in {"ops", "post"}}
      [] s.phase \in {"choose", "choose chunk"} -> {Chosen(s, i) : i \in Range(Len(s.kids))}
      [] s.phase = "name" -> {Named(s)}
      [] s.phase = "element" -> {Element(s, e) : e \in Range(Len(s.val))}
      [] s.phase = "lane" -> {Lane(s, l) : l \in Range(Lanes)}
      [] s.phase = "interval" ->
           {Narrowed(s, i) : i \in Range(Len(s.words))}
           \cup (IF Bug = "whole stretch" THEN {[s EXCEPT !.phase = "partials", !.words = << >>]} ELSE {})
      [] s.phase = "judge" ->
           {Judged(s, w) : w \in {v \in [Range(Len(LastOperands(s))) -> Values] : AreProved(s, v)}}

-----------------------------------------------------------------------------
IsHonestChallenger(d) == d = 1 /\ ~honest

\* A proved lie settles all open disputes over the claim; a lost dispute says nothing about it (V-4.1, L-5.11).
Settled(all, d) ==
    LET end == all[d].winner
        with(e, winner) == IF e # d /\ all[e].phase # "over" THEN Over(all[e], winner) ELSE all[e]
    IN CASE end = "challenger" -> [e \in Disputes |-> with(e, "settled")]
         [] end = "accused" /\ Bug = "lost dispute shields" -> [e \in Disputes |-> with(e, "accused")]
         [] OTHER -> all

Reply(d) ==
    /\ games[d].phase \notin {"over", "trace"}
    /\ LET s == Count(games[d])
           moves == IF Turn(games[d]) = "accused"
                    THEN (IF honest THEN HonestAccused(s) ELSE AnyAccused(s))
                    ELSE (IF IsHonestChallenger(d) THEN HonestChallenger(s) ELSE AnyChallenger(s))
       IN \E next \in moves : games' = Settled([games EXCEPT ![d] = next], d)
    /\ UNCHANGED << honest, claim, trace >>

\* The root over the op list: posted once, and the same in every dispute over the unit (L-5.9).
PostTrace(d) ==
    /\ games[d].phase = "trace"
    /\ \E posted \in (IF honest THEN {TrueOps} ELSE AllOps) :
         /\ trace = Junk \/ posted = trace \/ Bug = "trace not binding"
         /\ trace' = posted
    /\ games' = [games EXCEPT ![d] = [Count(games[d]) EXCEPT !.phase = "target"]]
    /\ UNCHANGED << honest, claim >>

Init ==
    /\ trace = Junk
    /\ games = [d \in Disputes |-> Start]
    /\ \/ honest = TRUE /\ claim = TruePost
       \/ honest = FALSE /\ claim \in AllPosts \ {TruePost}

Next == \E d \in Disputes : Reply(d) \/ PostTrace(d)

Spec == Init /\ [][Next]_vars

-----------------------------------------------------------------------------
(* V-4.1. Bounds of I3: the formulas of V-4.1 for these shapes. *)

RECURSIVE Halvings(_)
Halvings(n) == IF n <= 1 THEN 0 ELSE 1 + Halvings(CeilDiv(n, Arity))
Common(r) ==
    LET leaves == IF r <= 3 THEN 3 ELSE 2
        lanes == IF Form[r] = "lanes" THEN 1 ELSE 0
    IN Halvings(leaves) + Halvings(CeilDiv(Size[r], Tile)) + 1 + lanes + Halvings(Links(r, 1))
MostAccused == Max({1 + 1 + Common(r) : r \in Rows})
MostChallenger == Max({2 + 1 + Common(r) : r \in Rows})

\* An honest accused wins every play, and has an answer to every move.
I1 == honest => \A d \in Disputes :
        /\ games[d].winner \notin {"challenger", "settled"}
        /\ Turn(games[d]) = "accused" /\ games[d].phase # "trace" => HonestAccused(games[d]) # {}
\* An honest challenger of a wrong unit has a winning choice at each move, and loses no play.
I2 == ~honest =>
        /\ games[1].winner # "accused"
        /\ Turn(games[1]) = "challenger" => HonestChallenger(games[1]) # {}
I3 == \A d \in Disputes : games[d].accused <= MostAccused /\ games[d].challenger <= MostChallenger
\* With parallel disputes: nothing that happens in one takes a win away in another.
I4 == I1 /\ I2
=============================================================================

"""The dispute game, played again move by move: narrowing to one element or one link (V-4.2 to V-4.4)."""

from collections import namedtuple

from bundle import ACCUSED, CHALLENGER
from frame import signed_by
from ops import CHAIN, ELEMENT, LANES, empty_accumulator, form, lane_total
from referee import Referee
from soft import canonical
from trees import DELTA, OPS, PROGRAM, STATE, ListTree, Node, TensorTree, climb
import derive
from verdict import Disproven, require

PARTIALS_MAX = 256
TILE_WORDS = 256

Finding = namedtuple("Finding", "row kind home element link claimed right")
Spot = namedtuple("Spot", "row at element claimed")
Span = namedtuple("Span", "spot lane first end before after")


class Game:
    """State of one dispute: what is due, from whom, and what is known when it is."""

    def __init__(self, docket, frame, dispute):
        self.docket, self.frame, self.dispute = docket, frame, dispute
        self.ops, self.number, self.is_over, self.finding = None, 0, False, None
        self.keys = {ACCUSED: docket.claim.body.signer, CHALLENGER: docket.challenger}
        started = docket.facts.program.trace_leaves > 0
        if started:
            self._due(ACCUSED, "Trace", self._trace, "trace root")
        else:
            self._due(CHALLENGER, "Target", self._target)

    def play(self, move, defense=()):
        """Plays the next move, or refuses it (V-4.2); gives the key that signed, the side's or one of `defense`."""
        require(not self.is_over, "the dispute is over")
        require(move.dispute == self.dispute, "the move belongs to another dispute")
        require(move.number == self.number, "move %d is not the next move, %d" % (move.number, self.number))
        require((move.side, move.kind) == (self.side, self.kind), "a %s move is not due" % move.kind)
        keys = [self.keys[move.side]] + list(defense)
        signers = (key for key in keys if signed_by(key, "retrace v1 move", move.signed, move.signature))
        signer = next(signers, None)
        require(signer is not None, "move %d is not signed by its side" % move.number)
        self.answer(move.body)
        self.number += 1
        return signer

    def _due(self, side, kind, answer, question=None):
        """What is due; `question` names what the accused answers by it, where no hash fixes the answer (V-6.3)."""
        self.side, self.kind, self.answer, self.question = side, kind, answer, question

    def _end(self, spot, link, right, claimed):
        """The accused loses where the right bits are not the claimed ones (V-4.6)."""
        self.is_over = True
        if right != claimed:
            row = spot.row
            self.finding = Finding(spot.at, row.kind, row.home, spot.element, link, claimed, right)

    def _trace(self, ops):
        self.ops = ops
        self._due(CHALLENGER, "Target", self._target)

    def _target(self, target):
        frame, pin = self.frame, self.docket.facts.program
        if target == "Ops":
            self._list(Node.root(ListTree(OPS, pin.trace_leaves), self._claimed(self.ops)), target)
        elif target == "Post":
            kind, root = self._claimed(frame.post)
            tree = ListTree(DELTA if kind == "Delta" else STATE, pin.post_entries)
            self._list(Node.root(tree, root), target)
        elif target == "Batch":
            self._name(("Batch", None), self._claimed(frame.batch))
        else:
            self._name(("Loss", None), self._claimed(frame.loss))

    @staticmethod
    def _claimed(value):
        require(value is not None, "the unit claims no such list")
        return value

    def _list(self, node, target):
        """Down a list to one leaf (V-4.3)."""
        if node.is_leaf():
            self._due(ACCUSED, "Reveal", lambda digest: self._reveal(node, target, digest))
        else:
            self._open(node, lambda child: self._list(child, target))

    def _open(self, node, then):
        """One opening and one choice (V-2.2)."""

        def opened(children):
            node.check_children(children)
            self._due(CHALLENGER, "Choose", lambda at: then(node.child(children, at)))

        self._due(ACCUSED, "Open", opened)

    def _reveal(self, node, target, digest):
        leaf = digest
        if target == "Post":
            leaf = derive.entry_leaf(self.frame.post[0], self.docket.facts.spec, node.start, digest)
        node.check_unit(leaf)
        self._name(("Trace" if target == "Ops" else "Post", node.start), digest)

    def _name(self, home, claimed):
        """The row that wrote the output, proved under the program's root (V-4.3)."""

        def named(body):
            at, row, raw, path = body
            row.check()
            pin = self.docket.facts.program
            climb(ListTree(PROGRAM, pin.rows), pin.root, at, raw, path)
            require(row.home == home, "the row's output is not claimed at the leaf in dispute")
            if home[0] == "Loss":
                require(row.elements() == 1, "a loss has one element")
                self._element(row, at, 0, claimed)
            else:
                self._tensor(row, at, Node.root(TensorTree(row.elements() * 4), claimed))

        self._due(CHALLENGER, "Name", named)

    def _tensor(self, row, at, node):
        """Down a tensor to one tile, then to one element (V-4.3)."""

        def tile(data):
            node.check_unit(data)
            words = [int.from_bytes(data[i : i + 4], "little") for i in range(0, len(data), 4)]

            def chosen(place):
                require(place < len(words), "element %d of %d" % (place, len(words)))
                self._element(row, at, node.start * TILE_WORDS + place, words[place])

            self._due(CHALLENGER, "Element", chosen)

        if node.is_leaf():
            self._due(ACCUSED, "Tile", tile)
        else:
            self._open(node, lambda child: self._tensor(row, at, child))

    def _element(self, row, at, element, claimed):
        spot, index = Spot(row, at, element, claimed), row.index(element)
        if row.is_masked(index):
            self._end(spot, None, 0, claimed)
        elif form(row.kind) == ELEMENT:
            self._judge(Span(spot, 0, 0, 0, 0, claimed))
        elif form(row.kind) == CHAIN:
            self._chain(spot, 0, claimed)
        else:
            question = "totals of row %d, element %d" % (at, element)
            self._due(ACCUSED, "Totals", lambda totals: self._totals(spot, totals), question)

    def _totals(self, spot, totals):
        """Lane totals must combine to the claimed element (V-4.4)."""
        require(all(canonical(word) == word for word in totals), "a posted NaN is not canonical")
        require(lane_total(spot.row.kind, totals) == spot.claimed, "the totals do not give the claimed element")

        def chosen(lane):
            require(lane < LANES, "lane %d" % lane)
            self._chain(spot, lane, totals[lane])

        self._due(CHALLENGER, "Lane", chosen)

    def _chain(self, spot, lane, after):
        """A whole chain: its beginning is fixed by the definition, its end is claimed (V-4.4)."""
        end = spot.row.links(spot.row.index(spot.element), lane)
        before = empty_accumulator(spot.row.kind)
        if end == 0:
            self._end(spot, None, before, after)
        else:
            self._stretch(Span(spot, lane, 0, end, before, after))

    def _stretch(self, span):
        count = span.end - span.first
        if count == 1:
            self._judge(span)
            return
        step = -(-count // PARTIALS_MAX)

        def posted(words):
            require(len(words) == -(-count // step), "%d accumulators posted" % len(words))
            require(all(canonical(word) == word for word in words), "a posted NaN is not canonical")
            require(words[-1] == span.after, "the accumulators do not end at the claimed one")
            self._due(CHALLENGER, "Choose", chosen(words))

        def chosen(words):
            def choose(at):
                require(at < len(words), "interval %d of %d" % (at, len(words)))
                first = span.first + at * step
                before = words[at - 1] if at else span.before
                end = min(span.end, first + step)
                self._stretch(span._replace(first=first, end=end, before=before, after=words[at]))

            return choose

        where = (span.spot.at, span.spot.element, span.lane, span.first, span.end)
        question = "accumulators of row %d, element %d, lane %d, links %d to %d" % where
        self._due(ACCUSED, "Partials", posted, question)

    def _judge(self, span):
        """The operands of the last element or link; the referee decides (V-4.5, V-4.6)."""

        def judged(proofs):
            row, index = span.spot.row, span.spot.row.index(span.spot.element)
            referee = Referee(self.docket, self.frame, self.ops)
            right = referee.right_bits(row, index, span.lane, span.first, span.before, proofs)
            self._end(span.spot, None if form(row.kind) == ELEMENT else span.first, right, span.after)

        self._due(CHALLENGER, "Judge", judged)


def check_delegations(line):
    """Of the docket's network, strictly ascending by account and serial, signed by their accounts (V-6.2)."""
    before = None
    for at, found in enumerate(line.delegations):
        require(found.network == line.docket.facts.network, "delegation %d is another network's" % at)
        place = (found.account, found.serial)
        require(before is None or before < place, "delegation %d is out of order" % at)
        before = place
        signed = signed_by(found.account, "retrace v1 delegation", found.signed, found.signature)
        require(signed, "delegation %d is not signed by its account" % at)


def play(line, frame, dispute):
    """Plays all moves of a line and gives the game, and the question that its last move answers (V-6.2, V-6.3)."""
    check_delegations(line)
    game, used, question = Game(line.docket, frame, dispute), set(), None
    for move in line.moves:
        own = game.keys[move.side]
        mine = [(at, found.key) for at, found in enumerate(line.delegations) if found.account == own]
        due = game.question
        signer = game.play(move, [key for _, key in mine])
        question = due if move.side == ACCUSED else None
        if signer != own:
            used.add(next(at for at, key in mine if key == signer))
    require(len(used) == len(line.delegations), "a delegation is not needed")
    return game, question


def replay(line, frame, dispute):
    """Plays a bundle to its end and gives the finding (V-6.2)."""
    game, _ = play(line, frame, dispute)
    require(game.is_over, "the moves do not reach a judgment")
    if game.finding is None:
        raise Disproven("the accused won: the claim stood")
    return game.finding

"""Judges a file of evidence from its bytes alone (V-6.2, V-6.3).

    python3 specs/judge/judge.py FILE [--json]

Exit code 0: proven, by arithmetic or by contradiction; the output says which. 1: readable, and proves nothing. 2: no
evidence, or wrong usage. 3: decided by the ledger's clock, which is the ledger's word and is not judged here: that
needs the ledger's rules and validators that you trust (V-6.4, L-7.7). Python 3.9 or later and the `blake3` package; no
code is shared with the crates. The root of the unit's program is taken as a fact of the ledger, as are base, manifest
and beacon, and that a defense key was in force: the output names them.
"""

import json
import sys

try:
    from bundle import ACCUSED, BUNDLE_BYTES_MAX, Contradiction, read_evidence
    from frame import dispute_id, open_frame
    from game import play, replay
except ImportError as missing:
    sys.stderr.write("%s: the judge needs Python 3.9 and the package blake3 (pip install blake3)\n" % missing)
    sys.exit(2)
from verdict import Disproven, NotJudged, Unreadable, require

PROVEN, DISPROVEN, UNREADABLE, NOT_JUDGED = 0, 1, 2, 3
ARITHMETIC, CONTRADICTION, CLOCK = "proved by arithmetic", "proved by contradiction", "decided by the ledger's clock"


def judge(data):
    """What a file proves, as a dictionary; Unreadable, Disproven or NotJudged otherwise (V-6.1 to V-6.4)."""
    found = read_evidence(data)
    return judge_contradiction(found) if isinstance(found, Contradiction) else judge_bundle(found)


def judge_bundle(bundle):
    """What a bundle proves (V-6.2)."""
    docket = bundle.docket
    dispute = dispute_id(docket)
    # Cheap refusals first: they change no answer.
    require(all(move.dispute == dispute for move in bundle.moves), "a move belongs to another dispute")
    require(any(move.side == ACCUSED for move in bundle.moves), "the accused has signed no move of this dispute")
    finding = replay(bundle, open_frame(docket), dispute)
    return report(bundle, dispute, finding)


def judge_contradiction(found):
    """What a contradiction proves (V-6.3)."""
    first, second = (line.docket for line in found)
    same = (first.facts, first.unit, first.step) == (second.facts, second.unit, second.step)
    same = same and first.claim.body == second.claim.body
    require(same, "the two disputes are not over the same facts, claim and unit")
    disputes, questions = [], []
    for line in found:
        require(line.moves and line.moves[-1].side == ACCUSED, "a dispute does not end in a statement of the accused")
        dispute = dispute_id(line.docket)
        disputes.append(dispute)
        questions.append(play(line, open_frame(line.docket), dispute)[1])
    require(None not in questions, "a dispute does not end in a statement of the accused")
    bodies = [line.moves[-1].body for line in found]
    require(questions[0] == questions[1] and bodies[0] != bodies[1], "the two moves do not contradict each other")
    return {
        "verdict": "proven",
        "kind": CONTRADICTION,
        "accused": first.claim.body.signer.hex(),
        "network": first.facts.network.hex(),
        "run": first.facts.run.hex(),
        "unit": unit_name(first),
        "disputes": [dispute.hex() for dispute in disputes],
        "question": questions[0],
        "delegations": defense_keys(found),
        "relative_to": relative_to(first.facts),
    }


def defense_keys(lines):
    """The defense keys that signed moves, by account and serial."""
    all_of = {(d.account, d.serial, d.key) for line in lines for d in line.delegations}
    return [key.hex() for _, _, key in sorted(all_of)]


def unit_name(docket):
    """`round.slot.step`, or the unit's own name."""
    if docket.unit == "Merge":
        return "merge of round %d" % docket.facts.round
    place = "%d.%d" % (docket.facts.round, docket.claim.body.slot)
    return "%s.%d" % (place, docket.step) if docket.unit == "Step" else "%s %s" % (place, docket.unit.lower())


def relative_to(facts):
    """The facts that no arithmetic shows: the ledger's word."""
    return {
        "base": facts.base.hex(),
        "program_root": facts.program.root.hex(),
        "manifest": [shard.digest.hex() for shard in facts.manifest],
        "beacon": facts.beacon.hex(),
        "deltas": [delta.hex() for delta in facts.deltas],
    }


def report(bundle, dispute, finding):
    """The finding, and what it is relative to."""
    docket, facts = bundle.docket, bundle.docket.facts
    home, place = finding.home
    return {
        "verdict": "proven",
        "kind": ARITHMETIC,
        "accused": docket.claim.body.signer.hex(),
        "network": facts.network.hex(),
        "run": facts.run.hex(),
        "dispute": dispute.hex(),
        "unit": unit_name(docket),
        "row": finding.row,
        "op": finding.kind,
        "home": home.lower() if place is None else "%s %d" % (home.lower(), place),
        "element": finding.element,
        "link": finding.link,
        "claimed": "%08X" % finding.claimed,
        "right": "%08X" % finding.right,
        "moves": len(bundle.moves),
        "delegations": defense_keys([bundle]),
        "relative_to": relative_to(facts),
    }


def show(found):
    """The report as text."""
    is_arithmetic = found["kind"] == ARITHMETIC
    shown = "the signed claim is wrong" if is_arithmetic else "the accused signed two things of which one is false"
    lines = ["%s: %s" % (found["kind"], shown)]
    names = ("accused", "network", "run", "dispute", "unit", "row", "op", "home", "element", "link", "claimed", "right")
    for name in names + ("question",):
        if found.get(name) is not None:
            lines.append("%-9s %s" % (name, found[name]))
    lines += ["%-9s %s" % ("dispute", dispute) for dispute in found.get("disputes", ())]
    lines += ["%-9s %s, if it was in force" % ("signed by", key) for key in found["delegations"]]
    lines.append("relative to these facts, as the ledger vouched for them (the program is not rebuilt here):")
    for name, value in found["relative_to"].items():
        for item in value if isinstance(value, list) else [value]:
            lines.append("  %-13s %s" % (name.replace("_", " "), item))
    return "\n".join(lines)


def answer(path):
    """Exit code and report for a file."""
    try:
        with open(path, "rb") as file:
            data = file.read(BUNDLE_BYTES_MAX + 1)
        return PROVEN, judge(data)
    except Disproven as reason:
        return DISPROVEN, {"verdict": "disproven", "reason": str(reason)}
    except NotJudged as reason:
        return NOT_JUDGED, {"verdict": "not judged", "kind": CLOCK, "reason": str(reason)}
    except Unreadable as reason:
        return UNREADABLE, {"verdict": "unreadable", "reason": str(reason)}
    except (OSError, ValueError) as reason:
        return UNREADABLE, {"verdict": "unreadable", "reason": str(reason)}


def main(arguments):
    """Prints the answer for the one file named; gives the exit code."""
    files = [argument for argument in arguments if argument != "--json"]
    if len(files) != 1 or files[0].startswith("-"):
        sys.stderr.write("usage: judge.py FILE [--json]\n")
        return UNREADABLE
    code, found = answer(files[0])
    if len(files) != len(arguments):
        print(json.dumps(found, indent=2))
    else:
        print(show(found) if code == PROVEN else "%s: %s" % (found["verdict"], found["reason"]))
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

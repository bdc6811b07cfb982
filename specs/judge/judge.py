"""Judges a bundle of evidence from its bytes alone (V-6.2).

    python3 specs/judge/judge.py FILE [--json]

Exit code 0: proven. 1: readable, and proves nothing. 2: no bundle, or wrong usage. Python 3.9 or later and the
`blake3` package; no code is shared with the crates. The root of the unit's program is taken as a fact of the
ledger, as are base, manifest and beacon: the output names them.
"""

import json
import sys

try:
    from bundle import ACCUSED, BUNDLE_BYTES_MAX, read_bundle
    from frame import dispute_id, open_frame
    from game import replay
except ImportError as missing:
    sys.stderr.write("%s: the judge needs Python 3.9 and the package blake3 (pip install blake3)\n" % missing)
    sys.exit(2)
from verdict import Disproven, Unreadable, require

PROVEN, DISPROVEN, UNREADABLE = 0, 1, 2


def judge(data):
    """What a bundle proves, as a dictionary; Unreadable or Disproven otherwise (V-6.1, V-6.2)."""
    bundle = read_bundle(data)
    docket = bundle.docket
    dispute = dispute_id(docket)
    # Cheap refusals first: they change no answer.
    require(all(move.dispute == dispute for move in bundle.moves), "a move belongs to another dispute")
    require(any(move.side == ACCUSED for move in bundle.moves), "the accused has signed no move of this dispute")
    finding = replay(docket, open_frame(docket), dispute, bundle.moves)
    return report(docket, dispute, finding, len(bundle.moves))


def unit_name(docket):
    """`round.slot.step`, or the unit's own name."""
    if docket.unit == "Merge":
        return "merge of round %d" % docket.facts.round
    place = "%d.%d" % (docket.facts.round, docket.claim.body.slot)
    return "%s.%d" % (place, docket.step) if docket.unit == "Step" else "%s %s" % (place, docket.unit.lower())


def report(docket, dispute, finding, moves):
    """The finding, and what it is relative to."""
    facts = docket.facts
    home, place = finding.home
    return {
        "verdict": "proven",
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
        "moves": moves,
        "relative_to": {
            "base": facts.base.hex(),
            "program_root": facts.program.root.hex(),
            "manifest": [shard.digest.hex() for shard in facts.manifest],
            "beacon": facts.beacon.hex(),
            "deltas": [delta.hex() for delta in facts.deltas],
        },
    }


def show(found):
    """The report as text."""
    lines = ["proven by arithmetic: the signed claim is wrong"]
    for name in ("accused", "network", "run", "dispute", "unit", "row", "op", "home", "element", "link"):
        if found[name] is not None:
            lines.append("%-9s %s" % (name, found[name]))
    lines.append("claimed   %s" % found["claimed"])
    lines.append("right     %s" % found["right"])
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

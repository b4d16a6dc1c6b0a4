"""The tables and the plot of results.json: no figure is typed by hand.

    python benchmarks/report.py [build/bench/results.json]

Writes between the markers of docs/performance.md and README.md, and docs/performance.svg.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import plot
from cells import OURS

BEGIN, END = "<!-- {}: written by benchmarks/report.py -->", "<!-- end of {} -->"
Line = tuple[dict[str, Any], str, dict[str, Any], list[dict[str, Any]]]


def lines_of(results: dict[str, Any], table: str) -> Iterator[Line]:
    """(cell, pace, our row, the peers' rows that ran) of a table."""
    for cell in results["cells"]:
        rows = cell["tables"].get(table, [])
        for pace in dict.fromkeys(row["pace"] for row in rows):
            same = [row for row in rows if row["pace"] == pace]
            ours = next(row for row in same if row["who"] == OURS)
            peers = [r for r in same if r["who"] != OURS and "unsupported" not in r]
            yield cell, pace, ours, peers


def comparable(peers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those that do what ours does: where a search found no such effort, a row is shown but
    is nobody's best peer. All of them, if there is none."""
    return [row for row in peers if row.get("matched", True)] or peers


def title_of(cell: dict[str, Any], pace: str) -> str:
    return cell["title"] + ("" if pace in ("exact", "default") else f", {pace}")


def number(value: float) -> str:
    """Three digits that matter."""
    return f"{value:.0f}" if value >= 99.5 else f"{value:.1f}" if value >= 0.95 else f"{value:.3f}"


def points(row: dict[str, Any]) -> str:
    return f"{row['score']:.1f}" if row.get("score") is not None else "–"


# --- the summary -----------------------------------------------------------------------


def summary_row(line: Line) -> str:
    """One line: ours beside the best peer of each figure."""
    cell, pace, ours, peers = line
    title = title_of(cell, pace)
    if "unsupported" in ours:
        return f"| {title} | {ours['unsupported']} | | | | | | |"
    if not peers:
        return f"| {title} | {number(ours['cpu_ms'])} | no peer | | | | | |"
    peers = comparable(peers)
    cpu = min(peers, key=lambda row: row["cpu_ms"])
    growth = min(peers, key=lambda row: row["growth_mb"])
    ratio = ours["cpu_ms"] / cpu["cpu_ms"]
    score = "–"
    if ours.get("score") is not None:
        highest = max(peers, key=lambda row: row["score"])
        score = f"{points(ours)} / {points(cpu)} / {points(highest)} {highest['who']}"
        score = f"**{score}**" if cpu["score"] - ours["score"] > 1 else score
    memory = f"{number(ours['growth_mb'])} / {number(growth['growth_mb'])} {growth['who']}"
    memory = f"**{memory}**" if ours["growth_mb"] > growth["growth_mb"] else memory
    memory = "–" if cell["op"] == "probe" else memory
    said = f"{ratio:.2f}" if ratio <= cell["limit"] else f"**{ratio:.2f}**"
    size = f"{ours['bytes'] / cpu['bytes']:.2f}" if cpu.get("bytes") else "–"
    return (
        f"| {title} | {number(ours['cpu_ms'])} | {number(cpu['cpu_ms'])} {cpu['who']} |"
        f" {said} | {cell['limit']:.2f} | {memory} | {score} | {size} |"
    )


def summary(results: dict[str, Any]) -> list[str]:
    """Ours beside the best peer, one thread; what misses its target is bold."""
    return [
        "| cell | ours, CPU ms | best peer | ratio | target | RSS growth MB, ours / least |"
        " SSIMULACRA2, ours / best peer / highest | bytes, ours / best peer |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
        *(summary_row(line) for line in lines_of(results, "one")),
    ]


# --- every row ---------------------------------------------------------------------------


def detail_row(row: dict[str, Any], best: dict[str, float]) -> str:
    """A row of a cell's table; ratio is that row's CPU / the best peer's."""
    if "unsupported" in row:
        return f"| {row['who']} | | | | | | | {row['unsupported']} |"
    texts = []
    for name in ("cpu_ms", "wall_ms", "growth_mb"):
        text = number(row[name])
        texts.append(f"**{text}**" if row[name] == best[name] else text)
    ratio = f"{row['cpu_ms'] / best['peer']:.2f}" if best["peer"] else "–"
    size = f"{row['bytes']:,}" if row.get("bytes") else "–"
    note = "; ".join(text for text in (row.get("wrote", ""), row["note"]) if text)
    return f"| {row['who']} | {' | '.join(texts)} | {ratio} | {size} | {points(row)} | {note} |"


def details(results: dict[str, Any], table: str) -> list[str]:
    """Every row of a table, a section a cell; the best of a column is bold."""
    lines = []
    for cell in results["cells"]:
        rows = cell["tables"].get(table, [])
        for pace in dict.fromkeys(row["pace"] for row in rows):
            same = [row for row in rows if row["pace"] == pace]
            ran = [row for row in same if "unsupported" not in row]
            peers = [row["cpu_ms"] for row in comparable([r for r in ran if r["who"] != OURS])]
            best = {
                name: min((row[name] for row in ran), default=0.0)
                for name in ("cpu_ms", "wall_ms", "growth_mb")
            }
            best["peer"] = min(peers, default=0.0)
            lines += [
                f"**{title_of(cell, pace)}**",
                "",
                "| | CPU ms | wall ms | growth MB | CPU / best peer | bytes | SSIMULACRA2 |"
                " wrote |",
                "|---|---:|---:|---:|---:|---:|---:|---|",
                *(detail_row(row, best) for row in same),
                "",
            ]
    return lines[:-1]


# --- conditions --------------------------------------------------------------------------


def conditions(results: dict[str, Any]) -> list[str]:
    """Machine, versions, inputs, and who was not there."""
    machine = results["machine"]
    made = [name for name, each in results["inputs"].items() if each["origin"].startswith("made")]
    lines = [
        f"{results['date'][:10]}; {machine['cpu'] or machine['architecture']},"
        f" {machine['cpus']} CPUs, {machine['system']}, Python {machine['python']}; medians of"
        f" {results['rounds'].get('one', 0)} rounds (the other tables:"
        f" {results['rounds'].get('all', 0)}).",
        "",
        *(
            f"- {who}: {', '.join(f'{k} {v}' for k, v in versions.items())}"
            for who, versions in results["versions"].items()
        ),
        *(f"- **not measured: {who}** ({why})" for who, why in results["missing"].items()),
    ]
    if made:
        lines.append("- **no corpus: made pictures, not photographs**")
    return lines


def inputs(results: dict[str, Any]) -> list[str]:
    """The pictures."""
    lines = ["| input | size | bytes | from |", "|---|---|---:|---|"]
    for name, each in results["inputs"].items():
        origin = each["origin"].rsplit("/", 1)[-1]
        lines.append(
            f"| {name} | {each['width']}×{each['height']} | {each['bytes']:,} | {origin} |"
        )
    return lines


def tables(results: dict[str, Any]) -> str:
    """What the command prints."""
    parts = [*conditions(results), ""]
    if "one" in results["rounds"]:
        parts += [*summary(results), ""]
    for table in results["rounds"]:
        parts += [f"## {table}", "", *details(results, table), ""]
    return "\n".join(parts)


# --- into the documents --------------------------------------------------------------------


def between(text: str, name: str, lines: list[str]) -> str:
    """The text with what is between the markers of `name` replaced."""
    begin, end = BEGIN.format(name), END.format(name)
    before, _, rest = text.partition(begin)
    _, found, after = rest.partition(end)
    if not found:
        raise SystemExit(f"no markers of {name}")
    return f"{before}{begin}\n\n" + "\n".join(lines) + f"\n\n{end}{after}"


def readme(results: dict[str, Any]) -> list[str]:
    """The short table: ours beside the best peer, CPU and memory."""
    lines = [
        "| job, one thread | lazyimage CPU | best peer | growth of peak RSS | least of the peers |",
        "|---|---:|---:|---:|---:|",
    ]
    for cell, pace, ours, peers in lines_of(results, "one"):
        if "unsupported" in ours or not peers or cell["op"] == "probe":
            continue
        peers = comparable(peers)
        cpu = min(peers, key=lambda row: row["cpu_ms"])
        growth = min(peers, key=lambda row: row["growth_mb"])
        mine = [f"{number(ours['cpu_ms'])} ms", f"{number(ours['growth_mb'])} MB"]
        theirs = [f"{number(cpu['cpu_ms'])} ms ({cpu['who']})"]
        theirs.append(f"{number(growth['growth_mb'])} MB ({growth['who']})")
        pairs = zip(mine, theirs, (ours["cpu_ms"], ours["growth_mb"]), strict=True)
        values = (cpu["cpu_ms"], growth["growth_mb"])
        texts = [
            f"**{a}** | {b}" if value <= value_of_peer else f"{a} | **{b}**"
            for (a, b, value), value_of_peer in zip(pairs, values, strict=True)
        ]
        lines.append(f"| {title_of(cell, pace)} | {' | '.join(texts)} |")
    return lines


def write(results: dict[str, Any], root: Path) -> None:
    """Tables and plot, into the documents."""
    page = root / "docs" / "performance.md"
    text = page.read_text(encoding="utf-8")
    for name, lines in (
        ("conditions", conditions(results)),
        ("inputs", inputs(results)),
        ("summary", summary(results)),
        ("one thread", details(results, "one")),
        ("default threads", details(results, "all")),
        ("defaults", details(results, "defaults")),
    ):
        text = between(text, name, lines)
    page.write_text(text, encoding="utf-8")
    front = root / "README.md"
    text = between(front.read_text(encoding="utf-8"), "figures", readme(results))
    front.write_text(text, encoding="utf-8")
    (root / "docs" / "performance.svg").write_text(
        plot.svg(list(lines_of(results, "one"))), encoding="utf-8"
    )


def main() -> None:
    path = Path(sys.argv[1] if len(sys.argv) > 1 else "build/bench/results.json")
    write(json.loads(path.read_text("utf-8")), Path(__file__).resolve().parent.parent)


if __name__ == "__main__":
    main()

"""Draw docs/images/packages.svg: which package of the library imports which.

Run it as `python docs/draw_packages.py`. A package stands above every package that it imports. An import that
also follows from others (a imports b, b imports c, a imports c) has no line. Ends with 1 if packages import
each other in a circle, or if more than `MOST` packages and modules are at the top of the library.
"""

import sys
from collections.abc import Mapping
from pathlib import Path

import grimp

LIBRARY = "dataset_assets"
MOST = 25
PICTURE = Path(__file__).parent / "images" / "packages.svg"
WIDTH, HEIGHT, GAP, STEP = 104, 28, 60, 58

Imports = Mapping[str, frozenset[str]]


def imports_by_package() -> Imports:
    """Return the packages and modules at the top of the library, each with those that it imports."""
    graph = grimp.build_graph(LIBRARY, cache_dir=None)
    children = sorted(graph.find_children(LIBRARY))
    owned = {child: {child, *graph.find_descendants(child)} for child in children}
    owner = {module: child for child, modules in owned.items() for module in modules}
    found = {
        child: {
            owner[imported]
            for module in modules
            for imported in graph.find_modules_directly_imported_by(module)
            if imported in owner
        }
        for child, modules in owned.items()
    }
    return {short(child): frozenset(map(short, imported - {child})) for child, imported in found.items()}


def short(module: str) -> str:
    """Return a module's name without the library's."""
    return module.removeprefix(f"{LIBRARY}.")


def levels(imports: Imports) -> list[list[str]]:
    """Return the packages by level, the lowest first. Raises ValueError for a circle."""
    height: dict[str, int] = {}
    while len(height) < len(imports):
        free = [each for each in imports if each not in height and imports[each] <= height.keys()]
        if not free:
            raise ValueError(f"packages import each other: {sorted(imports.keys() - height.keys())}")
        height |= {each: max((height[below] + 1 for below in imports[each]), default=0) for each in free}
    highest = max(height.values())
    return [sorted(each for each in height if height[each] == level) for level in range(highest + 1)]


def lines(imports: Imports) -> list[tuple[str, str]]:
    """Return the imports that do not follow from others."""

    def reached(package: str) -> set[str]:
        return {package}.union(*map(reached, imports[package]))

    return [
        (upper, lower)
        for upper, below in sorted(imports.items())
        for lower in sorted(below)
        if not any(lower in reached(other) for other in below - {lower})
    ]


def picture(imports: Imports) -> str:
    """Return the SVG: a box for each package, a line for each import."""
    rows = levels(imports)[::-1]
    wide = max(map(len, rows)) * (WIDTH + GAP)
    place = {
        package: (wide / 2 + (number - (len(row) - 1) / 2) * (WIDTH + GAP), STEP / 2 + level * STEP)
        for level, row in enumerate(rows)
        for number, package in enumerate(row)
    }
    drawn = [
        f'<line x1="{place[upper][0]:g}" y1="{place[upper][1] + HEIGHT / 2:g}"'
        f' x2="{place[lower][0]:g}" y2="{place[lower][1] - HEIGHT / 2:g}" stroke="#8a94a6"/>'
        for upper, lower in lines(imports)
    ]
    for package, (x, y) in place.items():
        drawn.append(
            f'<rect x="{x - WIDTH / 2:g}" y="{y - HEIGHT / 2:g}" width="{WIDTH}" height="{HEIGHT}" rx="5"'
            ' fill="#eef3fb" stroke="#33507c"/>'
            f'<text x="{x:g}" y="{y + 4:g}" text-anchor="middle">{package}</text>'
        )
    size = f'width="{wide:g}" height="{len(rows) * STEP:g}"'
    style = 'font-family="sans-serif" font-size="13"'
    return "\n".join([f'<svg xmlns="http://www.w3.org/2000/svg" {size} {style}>', *drawn, "</svg>", ""])


def main() -> int:
    """Write the picture and return the exit code."""
    imports = imports_by_package()
    PICTURE.write_text(picture(imports), encoding="utf-8")
    sys.stdout.write(
        f"{len(imports)} packages and modules at the top, {len(lines(imports))} lines, no circle\n"
    )
    return int(len(imports) > MOST)


if __name__ == "__main__":
    sys.exit(main())

"""Write docs/cli.md and the tree in README.md from the code; with --check, say whether they are up to date."""

import ast
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
BEGIN, END = "<!-- tree: written by make docs -->", "<!-- end of tree -->"


def cli() -> str:
    command = [sys.executable, "-m", "typer", "angelshare.cli.main", "utils", "docs", "--name", "angelshare"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip() + "\n"


def readme() -> str:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    return f"{before}{BEGIN}\n```\n{tree()}\n```\n{END}{after}"


def tree() -> str:
    """Every package and module with the first line of its docstring."""
    source = ROOT / "src" / "angelshare"
    lines = []
    for folder in [source, *sorted(path.parent for path in source.rglob("__init__.py") if path.parent != source)]:
        name = f"{folder.relative_to(source)}/" if folder != source else "src/angelshare/"
        lines.append(f"{name:<24}{said(folder / '__init__.py')}")
        modules = sorted(path for path in folder.glob("*.py") if path.name != "__init__.py")
        lines += [f"  {path.name:<22}{said(path)}" for path in modules]
    return "\n".join(lines)


def said(path: Path) -> str:
    return (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").split("\n")[0]


def main() -> int:
    stale = []
    for path, text in ((ROOT / "docs" / "cli.md", cli()), (ROOT / "README.md", readme())):
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        stale.append(str(path.relative_to(ROOT)))
        if "--check" not in sys.argv[1:]:
            path.write_text(text, encoding="utf-8")
    if stale and "--check" in sys.argv[1:]:
        print(f"Not up to date: {', '.join(stale)}. Run make docs.")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Write docs/cli.md from the commands themselves; with --check, say whether it is up to date."""

import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).parent / "cli.md"


def generated() -> str:
    command = [sys.executable, "-m", "typer", "angelshare.cli.main", "utils", "docs", "--name", "angelshare"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip() + "\n"


def main() -> int:
    text = generated()
    if "--check" in sys.argv[1:]:
        if PAGE.exists() and PAGE.read_text(encoding="utf-8") == text:
            return 0
        print("docs/cli.md is not up to date: run make docs")
        return 1
    PAGE.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""The command line: a thin face of the Python calls, one file a command."""

import sys
import traceback
from typing import Annotated

import typer

from angelshare.cli import (
    advise,
    audit,
    augment,
    balance,
    counterfactual,
    data,
    debias,
    demo,
    distil,
    distil_encoder,
    finetune,
    gate,
    glue,
    label,
    pretrain,
    reproduce,
    switch,
)
from angelshare.errors import AngelshareError
from angelshare.progress import say

app = typer.Typer(
    name="angelshare",
    help="Compress text models, and account for what was lost, on whom, with what certainty.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("demo")(demo.command)
app.command("pretrain")(pretrain.command)
app.command("debias")(debias.command)
app.command("finetune")(finetune.command)
app.command("label")(label.command)
app.command("augment")(augment.command)
app.command("balance")(balance.command)
app.command("counterfactual")(counterfactual.command)
app.command("distil")(distil.command)
app.command("distil-encoder")(distil_encoder.command)
app.command("switch")(switch.command)
app.command("glue")(glue.command)
app.command("audit")(audit.command)
app.command("advise")(advise.command)
app.command("gate")(gate.command)
app.command("reproduce")(reproduce.command)
app.add_typer(data.app, name="data")


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"angelshare {version('angelshare')}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Compress text models, and account for what was lost, on whom, with what certainty."""


INTERRUPTED = 130


def main() -> None:
    """Run a command; a user's mistake is one sentence and exit 2, an interruption one sentence and exit 130."""
    try:
        app()
    except AngelshareError as error:
        say(f"angelshare: {error}")
        sys.exit(2)
    except Exception:
        traceback.print_exc()  # a fault of ours, and not an exit 1, which `gate` keeps for a loss
        sys.exit(2)
    except SystemExit as stop:
        if stop.code == INTERRUPTED:
            say("angelshare: interrupted. Run the same command again to go on from where it stopped.")
        raise


if __name__ == "__main__":
    main()

"""`fusion completion`: what a shell needs to complete commands, options, ids and names."""

import click

from engine.cli.output import Output

VARIABLE = "_FUSION_COMPLETE"
"""Environment variable by which the shell asks; click reads it under this name."""

SHELLS = ("bash", "zsh", "fish")


@click.command(epilog="Example: fusion completion bash")
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_obj
def command(output: Output, /, *, shell: str) -> None:
    """Print what a shell needs to complete commands.

    Then Tab completes commands, options, ids, nodes, and names of modules and functions. One of
    these lines switches it on for good:

    \b
    eval "$(fusion completion bash)"    in ~/.bashrc
    eval "$(fusion completion zsh)"     in ~/.zshrc, after compinit
    fusion completion fish | source     in ~/.config/fish/config.fish
    """
    from click.shell_completion import get_completion_class

    context = click.get_current_context().find_root()
    found = get_completion_class(shell)
    if found is None:
        raise click.UsageError(f"{shell} is not known here")
    completion = found(context.command, {}, "fusion", VARIABLE)
    for line in (completion.source_template % completion.source_vars()).splitlines():
        output.result(line)

"""The commands that serve the API and the pages, and make tokens for them.

They import what they need when they run, so that `--help` is fast.
"""

# ruff: noqa: PLC0415 - see above

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from dataset_assets.errors import ContractError, Fault
from dataset_assets.interfaces.cli.options import OptionalTarget


class Auth(StrEnum):
    """How the server knows who sends a request."""

    NONE = "none"
    TOKEN = "token"  # noqa: S105 - the name of a mode
    PROXY = "proxy"
    IAP = "iap"


def serve(
    host: Annotated[
        str, typer.Option("--host", envvar="DATASET_ASSETS_HOST", help="The address to listen at.")
    ] = "127.0.0.1",
    port: Annotated[
        int,
        typer.Option(
            "--port", envvar="DATASET_ASSETS_PORT", min=0, max=65535, help="0 takes a free one."
        ),
    ] = 3001,
    dagster: Annotated[
        str, typer.Option("--dagster", metavar="URL", help="Dagster's pages, which start runs.")
    ] = "",
    dagster_internal: Annotated[
        str,
        typer.Option(
            "--dagster-internal", envvar="DATASET_ASSETS_DAGSTER_INTERNAL", metavar="URL",
            help="Where this server reaches Dagster, if people use another address.",
        ),
    ] = "",
    auth: Annotated[
        Auth, typer.Option("--auth", envvar="DATASET_ASSETS_AUTH", help="How it knows who asks.")
    ] = Auth.NONE,
    tokens: Annotated[
        Path | None,
        typer.Option("--tokens", envvar="DATASET_ASSETS_TOKENS", help="token: the file of `user: sha256`."),
    ] = None,
    trusted_proxy: Annotated[
        list[str] | None,
        typer.Option(
            "--trusted-proxy", envvar="DATASET_ASSETS_TRUSTED_PROXY", metavar="CIDR",
            help="proxy: a network whose header is believed; can be repeated.",
        ),
    ] = None,
    identity_header: Annotated[
        str,
        typer.Option("--identity-header", envvar="DATASET_ASSETS_IDENTITY_HEADER", help="proxy: its header."),
    ] = "X-Forwarded-Email",
    iap_audience: Annotated[
        str, typer.Option("--iap-audience", envvar="DATASET_ASSETS_IAP_AUDIENCE", help="iap: the audience.")
    ] = "",
    iap_keys: Annotated[
        str, typer.Option("--iap-keys", envvar="DATASET_ASSETS_IAP_KEYS", help="iap: keys not Google's.")
    ] = "",
    public_url: Annotated[
        str,
        typer.Option(
            "--public-url", envvar="DATASET_ASSETS_PUBLIC_URL", metavar="URL",
            help="The address that people use, if a proxy is before the server.",
        ),
    ] = "",
    allowed_host: Annotated[
        list[str] | None,
        typer.Option(
            "--allowed-host", envvar="DATASET_ASSETS_ALLOWED_HOST", metavar="HOST",
            help="A host to answer for, beside this machine's names; can be repeated.",
        ),
    ] = None,
    audit_log: Annotated[
        Path | None,
        typer.Option(
            "--audit-log", envvar="DATASET_ASSETS_AUDIT_LOG",
            help="Where changes are written down; by default .dataset_assets/audit.jsonl of the project.",
        ),
    ] = None,
    target: OptionalTarget = None,
) -> None:  # fmt: skip
    """Serve the API and the pages, until Ctrl-C."""
    from dataset_assets.interfaces.web.server import run
    from dataset_assets.interfaces.web.settings import server_settings
    from dataset_assets.interfaces.workspace import Workspace

    workspace = Workspace.of(target)
    modes = {
        Auth.NONE: {},
        Auth.TOKEN: {"tokens": tokens or Path()},
        Auth.PROXY: {"header": identity_header, "trusted": trusted_proxy or ()},
        Auth.IAP: {"audience": iap_audience, **({"keys": iap_keys} if iap_keys else {})},
    }
    settings = server_settings(
        host=host,
        port=port,
        auth={"mode": auth.value, **modes[auth]},
        allowed_hosts=allowed_host or (),
        public_url=public_url,
        dagster=dagster or workspace.settings.webserver,
        dagster_internal=dagster_internal,
        audit_log=audit_log or workspace.settings.project / ".dataset_assets" / "audit.jsonl",
    )
    run(settings, workspace)


def token(
    user: Annotated[str, typer.Argument(metavar="USER", help="The id of a person in users.yaml.")],
    file: Annotated[
        Path | None, typer.Option("--file", help="The server's file of tokens, to which the line is added.")
    ] = None,
) -> None:
    """Make a token for a person, and print it: it is shown this once."""
    from dataset_assets.interfaces.web.access.tokens import add_token, new_token, token_line
    from dataset_assets.interfaces.workspace import Workspace

    found = Workspace.of().catalog.users.people(user)
    if found != (user,):
        raise ContractError(Fault(f"{user!r} is no person of users.yaml", hint="add the person there first"))
    secret = new_token()
    line = token_line(user, secret)
    if file:
        add_token(file, line)
    typer.echo(f"token: {secret}")
    typer.echo(f"{file} has its hash now" if file else f"line for the server's file of tokens: {line}")

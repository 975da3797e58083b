from __future__ import annotations

import pytest

from edged.tui.dialogs import unit_state


@pytest.mark.parametrize(
    ("shown", "said"),
    [
        ("", "no unit of this name, or no systemd here"),
        (
            "LoadState=not-found\nActiveState=inactive\n",
            "no unit of this name, or no systemd here",
        ),
        ("LoadState=loaded\nActiveState=inactive\nResult=success\n", "inactive"),
        (
            "LoadState=loaded\nActiveState=failed\nResult=exit-code\nExecMainStatus=78\n",
            "failed, exit-code, exit code 78, a mistake in the configuration: `edged check` names it",
        ),
    ],
)
def test_what_systemd_knows_of_the_unit(shown: str, said: str) -> None:
    assert unit_state(shown) == said

"""``python -m mrnet_cli`` is ``mrnet``."""

from mrnet_cli.cli.interrupts import answer_signals, end_if_interrupted


def run() -> None:
    """Runs ``mrnet``."""
    # before all other imports, which take most of a start
    answer_signals()
    try:
        from mrnet_cli.cli.main import main

        main(prog_name="mrnet")
    finally:
        end_if_interrupted()


if __name__ == "__main__":
    run()

"""``python -m mrnet_cli`` is ``mrnet``."""

from mrnet_cli.cli.main import main

main(prog_name="mrnet")

"""``python -m redgen``: the command line."""

from redgen.cli.main import main

main()

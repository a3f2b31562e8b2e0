"""`python -m angelshare` is the command `angelshare`."""

from angelshare.cli.main import main

if __name__ == "__main__":
    main()

"""`python -m deit_spec` is `deit-spec`."""

from deit_spec.cli import main

if __name__ == "__main__":
    main()

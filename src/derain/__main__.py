"""`python -m derain` is the same as `derain`."""

from derain.cli import main

if __name__ == "__main__":
    main()

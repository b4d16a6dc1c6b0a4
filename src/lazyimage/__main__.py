"""python -m lazyimage: the command line."""

from lazyimage.cli import main

if __name__ == "__main__":
    raise SystemExit(main())

"""What the documents say is so, where a test can tell."""

from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"

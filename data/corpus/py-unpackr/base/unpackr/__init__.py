"""Unpacks bundles: text files that hold other text files."""

from .bundle import BundleError, read_bundle
from .extract import extract

__all__ = ["BundleError", "extract", "read_bundle"]

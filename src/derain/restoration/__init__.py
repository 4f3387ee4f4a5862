"""People's own photos and videos, restored: any size, any usual format, one or a folder of thousands."""

from derain.restoration.batch import Outcome, Writing, restore_files
from derain.restoration.finding import find_files
from derain.restoration.restorer import TiledRestorer
from derain.restoration.stream import read_form, restore_stream

__all__ = ["Outcome", "TiledRestorer", "Writing", "find_files", "read_form", "restore_files", "restore_stream"]

"""What `pip install` makes of the one file: a package, since only a package can say that it has types (PEP 561)."""

from .claimcheck import *
from .claimcheck import __version__ as __version__

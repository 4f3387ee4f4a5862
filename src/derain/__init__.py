"""derain: train deraining networks that generalise, and measure whether they do.

The names in `derain.__all__` are public and stay; every other module and name is private and may change at any time.
They are listed in `__init__.pyi`. `import derain` is quick, as a name loads its module when it is first used.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

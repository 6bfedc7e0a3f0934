"""Two extension modules on fastframe: python setup.py build_ext --inplace"""

import os

from Cython.Build import cythonize
from setuptools import Extension, setup

import fastframe

INCLUDE = [fastframe.get_include()]
# Where Cython finds fastframe/__init__.pxd; needed only where fastframe is installed with `pip
# install -e`.
PACKAGES = [os.path.dirname(os.path.dirname(fastframe.__file__))]

setup(
    name="on-fastframe",
    ext_modules=[
        Extension("counter", ["counter.c"], include_dirs=INCLUDE),
        *cythonize(
            [Extension("consumer", ["consumer.pyx"], include_dirs=INCLUDE)], include_path=PACKAGES
        ),
    ],
)

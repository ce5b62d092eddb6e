"""The kinds of steps that random programs are made of. Importing a module of this package adds its own to OPS."""

from tests.parity.random_programs import OPS as OPS
from tests.parity.steps import flow as flow
from tests.parity.steps import layers as layers
from tests.parity.steps import maths as maths
from tests.parity.steps import networks as networks
from tests.parity.steps import shapes as shapes
from tests.parity.steps import state as state
from tests.parity.steps import texts as texts
from tests.parity.steps import types as types
from tests.parity.steps import words as words

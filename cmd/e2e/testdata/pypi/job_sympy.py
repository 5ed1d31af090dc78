# requires: sympy mpmath
"""Algebra."""

import sympy as sp


def handler(event, context):
    x = sp.symbols("x")
    return [str(sp.integrate(sp.exp(-x) * sp.sin(x), (x, 0, sp.oo))), str(sp.solve(x**3 - 6 * x**2 + 11 * x - 6, x)), str(sp.factor(x**4 - 1)), str(sp.diff(sp.sin(x) / x, x)), str(sp.N(sp.pi, 40)), str(sp.Matrix([[1, 2], [3, 4]]).inv()), sp.latex(sp.sqrt(x) / 2)]

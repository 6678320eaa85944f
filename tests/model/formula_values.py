#!/usr/bin/env python3
"""Prints the table of formula_test.c: formulas and their values by Python, where '^' is '**'."""
import math

FORMULAS = r"""-x^2
(-x)^2
2^-1+x
2^x^2
(2^x)^2
x^-2
2^-x^2
-x^-2
x-y-1
x-(y-1)
x/y/2
x/(y/2)
x/y*2
2*-x
x--y
--x
+x- +y
-x*y
-2^2+x
x^2*y
x*y^2
x+y*x^2/3-1
1e-3*x
.5*x
5.*x
1.5E+2-x
2e0*x
e^(x-1)
e*x+pi
x^y
y^x^-1
exp(log(x))
sqrt(x)+sin(x)*cos(y)-tan(x)
asin(x/3)+acos(x/3)*atan(y)
sinh(x)+cosh(y)*tanh(x)
sigmoid(x-y)+erf(x)
abs(y-x)
((((x))))
sin(cos(tan(x)))
 x\t+\n y
_b*2+x+y
-(-(x))^3
2*3^2*x
x^(1/3)
1-x^2^.5
(x+y)*(x-y)
x*(y+1)^2-(1-y)^2*x
8/2*(2+2)+x
3-4+5*x-6
2^3^2/x
exp(1)*x-log(10)^sin(2)""".split("\n")

names = {name: getattr(math, name) for name in
         "exp log sqrt sin cos tan asin acos atan sinh cosh tanh erf pi e".split()}
names.update(abs=abs, sigmoid=lambda t: 1 / (1 + math.exp(-t)), x=1.385, y=2.615, _b=-1.43)
for formula in FORMULAS:
    text = formula.replace(r"\t", " ").replace(r"\n", " ").replace("^", "**").strip()
    print('    {"%s", %.17g},' % (formula, eval(text, names)))

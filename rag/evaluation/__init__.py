"""Cases in, believable numbers out: what is right, what broke, and how sure one can be.

Any `Target` is asked every case; its samples are scored without a model, summarised with
intervals, compared by paired tests. Shapes and rules: CONTRACTS, section 4.
"""

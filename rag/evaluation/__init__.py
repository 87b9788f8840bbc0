"""Evaluation: a file of cases in, metrics with confidence intervals out.

A `Target` answers every case; its samples are scored without a model, summarized with intervals
and compared by paired tests. Formats and rules: rag/evaluation/README.md.
"""

#!/usr/bin/env python3
"""Prints the reference numbers that tests/unit/tasks/paired_comparison_test.cpp states. Needs scipy and statsmodels."""
import numpy as np
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

print("mcnemar", [stats.binomtest(min(a, b), a + b).pvalue for a, b in ((3, 12), (0, 5), (40, 61), (500, 600))])
print("holm", multipletests([0.01, 0.04, 0.03, 0.005, 0.9], method="holm")[1].tolist())
print("wilson", proportion_confint(37, 50, 0.05, "wilson"), proportion_confint(0, 12, 0.01, "wilson"))
print("quantiles", stats.norm.ppf([0.975, 0.2, 1e-6, 0.999999]).tolist())
first = np.array([0.2, 0.5, 0.1, 0.9, 0.4, 0.6, 0.3, 0.8, 0.75, 0.05])
second = np.array([0.35, 0.4, 0.3, 0.95, 0.7, 0.65, 0.2, 0.9, 0.8, 0.25])
d = second - first
test = stats.permutation_test((d,), np.mean, permutation_type="samples", n_resamples=np.inf, alternative="two-sided")
print("sign flips", test.pvalue, "difference", d.mean(), "stderr", stats.sem(d), "d_z", d.mean() / d.std(ddof=1))
boot = stats.bootstrap((d,), np.mean, n_resamples=200000, method="BCa", rng=np.random.default_rng(1))
print("BCa", boot.confidence_interval)
a = np.array([-1.2, -0.4, -2.5, -0.9, -1.7, -0.3, -1.1, -0.8])  # log-likelihoods: perplexity is no mean of them
b = np.array([-0.9, -0.5, -1.9, -0.7, -1.8, -0.2, -0.6, -0.7])


def perplexities(x, y, axis=-1):
    return np.exp(-y.mean(axis)) - np.exp(-x.mean(axis))


test = stats.permutation_test((a, b), perplexities, permutation_type="samples", n_resamples=np.inf)
boot = stats.bootstrap((a, b), perplexities, paired=True, n_resamples=200000, method="percentile", vectorized=True,
                       rng=np.random.default_rng(1))
print("perplexity", np.exp(-a.mean()), np.exp(-b.mean()), test.pvalue, boot.confidence_interval)

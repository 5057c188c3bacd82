"""Distributions: what is written is what is drawn."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter
from scipy import stats

from redgen.clock import MINUTE
from redgen.seed import Stream
from redgen.spec.distributions import CountLaw, Delay, Distribution

U = np.linspace(0.001, 0.999, 999)


@pytest.mark.parametrize(("written", "oracle"), [
    ({"uniform": [1, 3]}, stats.uniform(1, 2)),
    ({"log_uniform": [0.2, 50]}, stats.loguniform(0.2, 50)),
    ({"normal": {"mean": 3, "sd": 2}}, stats.norm(3, 2)),
    ({"lognormal": {"median": 5, "sigma": 1.2}}, stats.lognorm(1.2, scale=5)),
    ({"lognormal": {"mu": 9.3, "sigma": 1.7}}, stats.lognorm(1.7, scale=np.exp(9.3))),
    ({"exponential": 4}, stats.expon(scale=4)),
    ({"exponential": {"mean": 4}}, stats.expon(scale=4)),
    ({"pareto": {"min": 133, "alpha": 1.1}}, stats.pareto(1.1, scale=133)),
    ({"beta": {"a": 2, "b": 5}}, stats.beta(2, 5)),
    ({"poisson": 3.5}, stats.poisson(3.5)),
    ({"poisson": {"mean": 40000}}, stats.poisson(40000)),
], ids=lambda value: str(value) if isinstance(value, dict) else "scipy")
def test_quantiles_are_those_of_scipy(written: object, oracle: object) -> None:
    np.testing.assert_allclose(Distribution.of(written).quantile(U), oracle.ppf(U), rtol=1e-9)


def test_constants_categories_and_quantile_tables() -> None:
    assert Distribution.of(6).one(Stream(1)) == 6
    assert Distribution.of("any word").one(Stream(1)) == "any word"
    assert Distribution.of({"value": 2, "source": "measured"}).one(Stream(1)) == 2
    ints = Distribution.of({"categorical": {"1": 0.78, "2": 0.15, "4": 0.05, "11": 0.02}})
    assert ints.quantile([0.5, 0.8, 0.95, 0.999]).tolist() == [1, 2, 4, 11]
    assert Distribution.of({"categorical": ["a", "b"]}).quantile([0.2, 0.7]).tolist() == ["a", "b"]
    table = Distribution.of({"quantiles": {"0": "2s", "0.5": "68s", "1": "600s"}})
    assert table.quantile([0.0, 0.5, 0.75]).tolist() == [2_000_000, 68_000_000, 334_000_000]
    assert Distribution.of({"quantiles": [1, 2, 4]}).quantile([0.25, 0.75]).tolist() == [1.5, 3.0]


def test_times_are_whole_microseconds() -> None:
    delay = Distribution.of({"lognormal": {"median": "40m", "sigma": 1.2}})
    assert delay.time
    assert delay.quantile(0.5) == 40 * MINUTE
    assert delay.draw(Stream(1), 5).dtype == np.int64
    assert Distribution.of({"uniform": [1, 2], "unit": "minutes"}).quantile([0, 1]).tolist() == [MINUTE, 2 * MINUTE]
    assert Distribution.of({"uniform": [0, "5m"]}).time


def test_cutting_keeps_the_shape_between_min_and_max() -> None:
    law = Distribution.of({"lognormal": {"median": 10, "sigma": 2}, "min": 1, "max": 100})
    draws = law.quantile(np.linspace(0.0, 1.0, 20_001))
    assert draws.min() >= 1
    assert draws.max() <= 100.0001
    whole = stats.lognorm(2, scale=10)
    share = (whole.cdf(10) - whole.cdf(1)) / (whole.cdf(100) - whole.cdf(1))
    assert (draws <= 10).mean() == pytest.approx(share, abs=0.01)


def test_stealth_draws_from_the_quarter_that_suits() -> None:
    law = Distribution.of({"uniform": [0, 1], "stealth": "down"})
    assert law.draw(Stream(1), 100, stealth=1.0).max() < 0.25
    assert law.draw(Stream(1), 100, stealth=0.0).min() > 0.75
    assert law.draw(Stream(1), 100).std() > 0.2
    plain = Distribution.of({"uniform": [0, 1]})
    assert plain.draw(Stream(1), 9, stealth=1.0).tolist() == plain.draw(Stream(1), 9).tolist()


@pytest.mark.parametrize(("written", "message"), [
    ({"lognorml": 1}, "unknown distribution 'lognorml'; did you mean 'lognormal'?"),
    ({}, "write one distribution of constant, uniform"),
    ({"uniform": [1, 2], "normal": {"mean": 1, "sd": 1}}, "found uniform, normal"),
    ({"uniform": [2, 1]}, "low is above high"),
    ({"uniform": 3}, "uniform takes [low, high]"),
    ({"uniform": [1, "5x"]}, "'5x' is not a duration"),
    ({"uniform": [1, "5m"]}, "mixes durations (high) and plain numbers; give all a unit"),
    ({"log_uniform": [0, 1]}, "the low end of log_uniform should be greater than 0"),
    ({"normal": {"mean": 1}}, "normal needs sd"),
    ({"normal": {"mean": 1, "sd": 0}}, "sd should be greater than 0, not 0"),
    ({"normal": {"mean": 1, "sdt": 2}}, "normal has no 'sdt'; did you mean 'sd'?"),
    ({"lognormal": {"median": 1, "mu": 1, "sigma": 1}}, "lognormal needs sigma and either median or mu"),
    ({"lognormal": {"median": 1, "sigma": -1}}, "sigma should be greater than 0, not -1"),
    ({"lognormal": {"mu": 500, "sigma": 1}}, "mu should be between -60 and 60"),
    ({"exponential": -1}, "mean should be greater than 0"),
    ({"pareto": {"min": 1}}, "pareto needs alpha"),
    ({"beta": {"a": 0, "b": 1}}, "a should be greater than 0"),
    ({"poisson": 1e12}, "the mean of poisson should be between 0 and 1e+07"),
    ({"categorical": {"a": 0.5, "b": 0.4}}, "weights sum to 0.9, not 1"),
    ({"categorical": {"a": -1, "b": 2}}, "a weight is negative"),
    ({"categorical": {}}, "categorical takes {value: weight, …}"),
    ({"quantiles": {"0": 1, "0.5": 3}}, "the probabilities of quantiles rise from 0 to 1"),
    ({"quantiles": {"0": 5, "1": 3}}, "the values of quantiles never fall"),
    ({"constant": [1]}, "a constant is a number, a duration or a word"),
    ({"uniform": [1, 2], "stealth": "left"}, "stealth is up or down, not 'left'"),
    ({"uniform": [1, 2], "unit": 3}, "unit is text, not 3"),
    ({"uniform": [1, 2], "min": 5}, "nothing is left between min and max"),
    ({"categorical": ["a"], "min": 5}, "min and max need numbers to cut"),
    (None, "a constant is a number, a duration or a word, not None"),
], ids=str)
def test_what_is_no_distribution(written: object, message: str) -> None:
    with pytest.raises(ValueError) as caught:
        Distribution.of(written)
    assert message in str(caught.value)


def test_delays_are_times_and_counts_are_not() -> None:
    delay, count = TypeAdapter(Delay), TypeAdapter(CountLaw)
    assert delay.validate_python("5m").quantile(0.5) == 5 * MINUTE
    assert delay.validate_python(0).time
    for wrong in (5, {"normal": {"mean": "5m", "sd": "1h"}}, "word"):
        with pytest.raises(ValueError):
            delay.validate_python(wrong)
    for wrong in ("5m", -1, {"pareto": {"min": 1, "alpha": 0.1}}, "many"):
        with pytest.raises(ValueError):
            count.validate_python(wrong)


LAWS = st.one_of(
    st.builds(lambda a, b: {"uniform": sorted([a, b])}, st.floats(-1e6, 1e6), st.floats(-1e6, 1e6)),
    st.builds(lambda a, b: {"log_uniform": [a, a * b]}, st.floats(1e-6, 1e6), st.floats(1, 1e6)),
    st.builds(lambda m, s: {"lognormal": {"median": m, "sigma": s}}, st.floats(1e-6, 1e6), st.floats(0.01, 5)),
    st.builds(lambda m: {"poisson": m}, st.floats(0, 1e5)),
    st.builds(lambda a, b: {"beta": {"a": a, "b": b}}, st.floats(0.1, 50), st.floats(0.1, 50)),
    st.builds(lambda m, a: {"pareto": {"min": m, "alpha": a}}, st.floats(1e-3, 1e6), st.floats(0.5, 9)),
)


@given(LAWS, st.integers(0, 2**63))
@settings(max_examples=80, deadline=None)
def test_quantiles_rise_and_draws_repeat(written: dict[str, object], key: int) -> None:
    law = Distribution.of(written)
    heights = law.quantile(np.linspace(0.0001, 0.9999, 101))
    assert np.isfinite(heights).all()
    assert (np.diff(heights) >= 0).all()
    assert law.draw(Stream(key), 7).tolist() == pickle.loads(pickle.dumps(law)).draw(Stream(key), 7).tolist()
    assert Distribution.of(written) == law
    assert hash(law) == hash(Distribution.of(written))

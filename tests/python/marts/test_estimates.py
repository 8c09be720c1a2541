"""The formulas of intervals in SQL are those of learning/intervals.py and of scipy."""

import pytest
from scipy import stats

from built import dbt
from offer_ai.learning.intervals import unskewed

pytestmark = pytest.mark.quick

# Users, and the sums of the second and fourth powers of what each moves an estimate by.
SPREADS = [(60, 60, 60), (50, 2450, 5764850), (100, 30, 12), (7, 0, 0)]
CASES = [(x, g, df, *SPREADS[number % 4]) for number, (x, g, df) in enumerate(
    (x, g, df) for x in (-2.5, 0.5, 1.96) for g in (-1.5, -5e-5, 0.0, 0.4)
    for df in (7, 8, 30, 1000))]
QUERY = """
select x, g, df, n, m2, m4, {{ unskewed('x', 'g') }} as y, {{ t_quantile('df') }} as t,
    {{ degrees_of_freedom('n', 'm2', 'm4') }} as freedom, {{ chi_squared_limit('df') }} as limit_999
from (values %s) as cases (x, g, df, n, m2, m4)
"""


def test_sql_says_what_python_says(tmp_path):
    cases = ", ".join(str(tuple(map(float, case))) for case in CASES)
    (found,) = dbt("show", "--limit", "-1", "--inline", QUERY % cases, events=tmp_path,
                   database=tmp_path / "w.duckdb")
    names = found.agate_table.column_names
    rows = [{name: row[name] if row[name] is None else float(row[name]) for name in names}
            for row in found.agate_table.rows]
    assert len(rows) == len(CASES)
    for row in rows:
        assert row["y"] == pytest.approx(unskewed(row["x"], row["g"]), abs=1e-9)
        assert row["t"] == pytest.approx(stats.t.ppf(0.975, row["df"]), abs=1e-3)
        assert row["limit_999"] == pytest.approx(stats.chi2.ppf(0.999, row["df"]), rel=0.01)
        if row["m2"] == 0:
            assert row["freedom"] is None
        else:
            kurtosis = row["n"] * row["m4"] / row["m2"] ** 2
            assert row["freedom"] == pytest.approx(
                min(row["n"] - 1, 2 * row["n"] / max(kurtosis - 1, 1e-9)))

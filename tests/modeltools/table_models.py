"""Trains and saves models over tables: run by the Python of `.venv-convert`, with a folder."""

import json
import pickle
import socket
import sys
from pathlib import Path
from typing import Any

HERE = Path(sys.argv[1]) if len(sys.argv) > 1 else Path()
# Name of a model -> labels and probabilities of a row without a city, the most probable first.
KNOWN: dict[str, list[tuple[str, float]]] = {}


class Running:
    """Opened from a pickle, it runs a line of Python."""

    def __init__(self, line: str) -> None:
        self._line = line

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return (eval, (self._line,))


def _numbers() -> Any:
    import numpy as np
    import pandas as pd

    random = np.random.default_rng(0)
    rows = pd.DataFrame(random.normal(50, 20, (300, 3)), columns=["age", "income (k)", "tenure"])
    rows.iloc[::9, 1] = np.nan
    return rows, np.where(rows["age"] + rows["tenure"] > 100, "leaves", "stays")


def _mixed() -> Any:
    import numpy as np

    rows, labels = _numbers()
    random = np.random.default_rng(1)
    rows["city"] = random.choice(["Oslo", "Paris", "Rome"], len(rows))
    rows["member"] = random.choice([True, False], len(rows))
    return rows, np.where(rows["city"] == "Oslo", "leaves", labels)


def pipeline(path: Path) -> None:
    """Numbers, some missing, chosen by name."""
    import joblib
    from sklearn.compose import ColumnTransformer
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import Pipeline, make_pipeline
    from sklearn.preprocessing import StandardScaler

    rows, labels = _numbers()
    scaled = make_pipeline(SimpleImputer(), StandardScaler())
    chosen = ColumnTransformer([("a", scaled, ["age", "income (k)"]), ("b", "passthrough", ["tenure"])])
    joblib.dump(
        Pipeline([("c", chosen), ("m", RandomForestClassifier(10, random_state=0))]).fit(rows, labels), path
    )


def mixed(path: Path) -> None:
    """Strings and booleans next to numbers; an unknown city is refused."""
    import joblib
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import Pipeline, make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    rows, labels = _mixed()
    scaled = make_pipeline(SimpleImputer(), StandardScaler())
    chosen = ColumnTransformer(
        [
            ("numbers", scaled, ["age", "income (k)", "tenure"]),
            ("city", OneHotEncoder(), ["city"]),
            ("member", OneHotEncoder(), ["member"]),
        ]
    )
    joblib.dump(Pipeline([("c", chosen), ("m", LogisticRegression())]).fit(rows, labels), path)


def imputed(path: Path, **strategy: str) -> None:
    """Strings and numbers, some of both missing, as a first pipeline has them."""
    import joblib
    import numpy as np
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import Pipeline, make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    rows, labels = _mixed()  # the column `member` is dropped
    rows["city"] = np.where(rows.index % 2 == 0, "Paris", rows["city"])
    rows.loc[rows.index % 7 == 0, "city"] = np.nan
    strings = SimpleImputer(**(strategy or {"strategy": "most_frequent"}))
    chosen = ColumnTransformer(
        [
            ("numbers", make_pipeline(SimpleImputer(), StandardScaler()), ["age", "income (k)", "tenure"]),
            ("city", make_pipeline(strings, OneHotEncoder(handle_unknown="ignore")), ["city"]),
        ]
    )
    model = Pipeline([("c", chosen), ("m", LogisticRegression())]).fit(rows, labels)
    joblib.dump(model, path)
    row = rows.iloc[:1].assign(
        age=40.0, **{"income (k)": np.nan, "tenure": 50.0, "city": np.nan}, member=True
    )
    pairs = zip(model.classes_, model.predict_proba(row)[0].tolist(), strict=True)
    KNOWN[path.name] = sorted(pairs, key=lambda pair: -pair[1])


def constant(path: Path) -> None:
    imputed(path, strategy="constant", fill_value="missing")


def unused(path: Path) -> None:
    """Save one with a category that decides nothing, and of which any value is taken."""
    import joblib
    from sklearn.compose import ColumnTransformer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder
    from sklearn.tree import DecisionTreeClassifier

    rows, _ = _mixed()
    rows = rows[["age", "city"]]
    city = ("city", OneHotEncoder(handle_unknown="ignore"), ["city"])
    chosen = ColumnTransformer([city], remainder="passthrough")
    joblib.dump(make_pipeline(chosen, DecisionTreeClassifier(max_depth=1)).fit(rows, rows["age"] > 50), path)


def missing_trees(path: Path) -> None:
    import joblib
    from sklearn.ensemble import RandomForestClassifier

    rows, labels = _numbers()
    rows.iloc[labels == "leaves", 0] = rows.iloc[labels == "leaves", 0].where(rows["tenure"] < 60)
    joblib.dump(RandomForestClassifier(10, random_state=0).fit(rows, labels), path)


def missing_histogram(path: Path) -> None:
    import joblib
    from sklearn.ensemble import HistGradientBoostingClassifier

    rows, labels = _numbers()
    joblib.dump(HistGradientBoostingClassifier(max_iter=5).fit(rows, labels), path)


def linear(path: Path) -> None:
    import joblib
    from sklearn.linear_model import LogisticRegression

    rows, labels = _numbers()
    joblib.dump(LogisticRegression().fit(rows[["age", "tenure"]], labels), path)


def regressor(path: Path) -> None:
    """Trained without names, and pickled by pickle."""
    from sklearn.ensemble import GradientBoostingRegressor

    rows, labels = _numbers()
    model = GradientBoostingRegressor().fit(rows.fillna(0).to_numpy(), labels == "stays")
    path.write_bytes(pickle.dumps(model))


def xgboost(path: Path) -> None:
    import xgboost

    rows, labels = _numbers()
    xgboost.XGBClassifier(n_estimators=5).fit(rows, labels == "stays").save_model(path)


def lightgbm(path: Path) -> None:
    import lightgbm

    rows, labels = _numbers()
    model = lightgbm.LGBMClassifier(n_estimators=5, verbose=-1).fit(rows[["age", "tenure"]], labels)
    model.booster_.save_model(path)


def network(path: Path) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    listener.close()
    line = f"__import__('socket').create_connection(('127.0.0.1', {port}))"
    path.write_bytes(pickle.dumps(Running(line)))


def writing(path: Path) -> None:
    path.write_bytes(pickle.dumps(Running(f"open({str(path.parent / 'written')!r}, 'w').write('x')")))


def a_dict(path: Path) -> None:
    path.write_bytes(pickle.dumps({"model": 1, "scaler": 2}))


MODELS = {
    "pipeline.joblib": pipeline,
    "mixed.joblib": mixed,
    "imputed.joblib": imputed,
    "constant.joblib": constant,
    "unused.joblib": unused,
    "missing_trees.joblib": missing_trees,
    "missing_histogram.joblib": missing_histogram,
    "linear.joblib": linear,
    "regressor.pkl": regressor,
    "boosted.json": xgboost,
    "boosted.ubj": xgboost,
    "boosted.txt": lightgbm,
    "network.pkl": network,
    "writing.pkl": writing,
    "dict.pkl": a_dict,
}

if __name__ == "__main__":
    for name, save in MODELS.items():
        save(HERE / name)
    (HERE / "without_a_city.json").write_text(json.dumps(KNOWN))

"""The signals of what a model is sent and predicts, and of the versions of a service side by side."""

from .expressions import (
    FAILED,
    GOOD_BUCKETS,
    OF_VERSION,
    REQUESTS,
    SERVICE,
    by_label,
    one,
    quantiles,
    rate_of_version,
    right,
    share,
    total,
)
from .signal import Alarm, DashboardRow, SignalRow, Unit

_NO_REQUEST = "No request has come since the server started."
_NO_TEXT = "The model takes no text, or has answered no request yet."
_NO_CLASS = "The model predicts no labels."

MODEL_SIGNALS: tuple[SignalRow, ...] = (
    SignalRow(
        "drift",
        "Drift from the reference",
        DashboardRow.QUALITY,
        Unit.COUNT,
        one(
            f"max by ({SERVICE}, model_version, signal) (slipway_drift{{$s}})", "{{signal}} {{model_version}}"
        ),
        "The model's manifest has no reference; `slipway model reference` writes one.",
        Alarm("SlipwayDrift", "What the model is sent, or predicts, has changed.", minutes=5, ticket=0),
    ),
    SignalRow(
        "stability",
        "Population stability index",
        DashboardRow.QUALITY,
        Unit.COUNT,
        one(f"max by ({SERVICE}, signal) (slipway_drift_psi{{$s}})", "{{signal}}"),
        "The model's manifest has no reference, or nothing was predicted yet.",
    ),
    SignalRow(
        "predictions",
        "Predictions by label",
        DashboardRow.QUALITY,
        Unit.PER_SECOND,
        by_label("label", "slipway_predictions_total{$s}"),
        _NO_CLASS,
    ),
    SignalRow(
        "confidence",
        "Probability of the predicted label",
        DashboardRow.QUALITY,
        Unit.SHARE,
        quantiles("slipway_confidence_bucket{$s}", 0.1, 0.5),
        _NO_CLASS,
    ),
    SignalRow(
        "length",
        "Tokens of a text",
        DashboardRow.QUALITY,
        Unit.COUNT,
        quantiles("slipway_input_tokens_bucket{$s}", 0.5, 0.95),
        _NO_TEXT,
    ),
    SignalRow(
        "unknown",
        "Share of a text's tokens that are unknown",
        DashboardRow.QUALITY,
        Unit.SHARE,
        quantiles("slipway_unknown_tokens_ratio_bucket{$s}", 0.95),
        _NO_TEXT,
    ),
    SignalRow(
        "columns",
        "Values outside the reference, by column",
        DashboardRow.QUALITY,
        Unit.PER_SECOND,
        by_label("column", "slipway_out_of_range_values_total{$s}"),
        "The model takes no table, or its reference has no ranges.",
    ),
    SignalRow(
        "version-requests",
        "Requests by version",
        DashboardRow.VERSIONS,
        Unit.PER_SECOND,
        one(total(rate_of_version(REQUESTS), OF_VERSION), "{{version}}"),
        _NO_REQUEST,
    ),
    SignalRow(
        "version-failures",
        "Share of failed requests by version",
        DashboardRow.VERSIONS,
        Unit.SHARE,
        one(share(rate_of_version(FAILED), rate_of_version(REQUESTS), OF_VERSION), "{{version}}"),
        _NO_REQUEST,
    ),
    SignalRow(
        "version-seconds",
        "Seconds of a good answer by version, p95",
        DashboardRow.VERSIONS,
        Unit.SECONDS,
        one(
            f"histogram_quantile(0.95, {total(rate_of_version(GOOD_BUCKETS), f'{OF_VERSION}, le')})",
            "{{version}}",
        ),
        _NO_REQUEST,
    ),
    SignalRow(
        "version-accuracy",
        "Share of right predictions by model",
        DashboardRow.VERSIONS,
        Unit.SHARE,
        one(right(), "{{model_version}}"),
        "Nobody has sent the true label of a prediction: POST /feedback.",
    ),
)

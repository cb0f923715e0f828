"""Watches a service with CloudWatch: its alarms, who hears of them, and its dashboard."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from ..observability.args import Observability
from .alarms import BudgetAlarm, MetricAlarm, budget_alarms, metric_alarms
from .balancer import Balancer
from .cloud_signals import MissingData, Reading
from .dashboard import dashboard_body
from .names import dashboard_name, workers_name
from .notification import topic_of
from .spec import FargateSpec

_Query = aws.cloudwatch.MetricAlarmMetricQueryArgsDict


@dataclass(frozen=True, slots=True)
class Watching:
    """What watches one service.

    places: the values of all dimensions, by their names. topic: ARN of where alarms are sent to. alarms: ARNs
    of those that do not need the service, by name; a deployment may name them.
    """

    spec: FargateSpec
    places: Mapping[str, pulumi.Input[str]]
    topic: pulumi.Output[str] | None
    alarms: Mapping[str, pulumi.Output[str]]
    parent: pulumi.Resource

    @classmethod
    def of(
        cls,
        spec: FargateSpec,
        cluster: tuple[pulumi.Input[str], pulumi.Input[str]],
        balancer: Balancer,
        parent: pulumi.Resource,
    ) -> "Watching | None":
        """Create what does not need the service. cluster: its ARN and name. None where nothing is watched."""
        if spec.observability is Observability.OFF:
            return None
        arn, name = cluster
        places = {
            "LoadBalancer": balancer.label,
            "TargetGroup": balancer.target_group.arn_suffix,
            "ClusterName": name,
            "ServiceName": spec.name,
            "service": spec.name,
            **({"AlternateTargetGroup": balancer.alternate.arn_suffix} if balancer.alternate else {}),
            "WorkersServiceName": workers_name(spec.name),
        }
        watching = cls(spec, places, topic_of(spec, arn, parent), {}, parent)
        early = [alarm for alarm in metric_alarms(spec) if alarm.signal.missing is MissingData.GOOD]
        made = {alarm.name: watching._metric_alarm(alarm).arn for alarm in early}
        made |= {budget.name: watching._budget_alarm(budget).arn for budget in budget_alarms(spec)}
        return cls(spec, places, watching.topic, made, parent)

    def named(self, names: Iterable[str]) -> list[pulumi.Input[str]]:
        """Return the names of alarms, each known once the alarm is made if that is done here."""
        made = self.alarms
        return [made[name].apply(lambda _arn, name=name: name) if name in made else name for name in names]

    def once_running(self, service: pulumi.Resource) -> None:
        """Create what needs the service: alarms that fire without one, and the dashboard that shows all."""
        late = [alarm for alarm in metric_alarms(self.spec) if alarm.signal.missing is MissingData.BAD]
        made = {alarm.name: self._metric_alarm(alarm, [service]).arn for alarm in late}
        names = list(self.places)

        def body(values: Sequence[str]) -> str:
            places = dict(zip(names, values, strict=False))
            return dashboard_body(self.spec, places, values[len(names) :])

        found = pulumi.Output.all(*self.places.values(), *made.values(), *self.alarms.values())
        aws.cloudwatch.Dashboard(
            f"{self.spec.name}-dashboard",
            dashboard_name=dashboard_name(self.spec.name, self.spec.region),
            region=self.spec.region,
            dashboard_body=found.apply(body),
            opts=pulumi.ResourceOptions(parent=self.parent, delete_before_replace=True),
        )

    def _metric_alarm(
        self, alarm: MetricAlarm, after: Iterable[pulumi.Resource] = ()
    ) -> aws.cloudwatch.MetricAlarm:
        """Create an alarm; the old one goes first, because its name comes back when a move is undone."""
        return aws.cloudwatch.MetricAlarm(
            f"{self.spec.name}-{alarm.role}",
            name=alarm.name,
            region=self.spec.region,
            alarm_description=alarm.description,
            comparison_operator="GreaterThanThreshold" if alarm.above else "LessThanThreshold",
            threshold=alarm.threshold,
            evaluation_periods=alarm.periods,
            datapoints_to_alarm=alarm.bad,
            treat_missing_data=alarm.signal.missing.value,
            alarm_actions=self._actions(alarm.notifies),
            ok_actions=self._actions(alarm.notifies),
            tags=self.spec.service.labels or None,
            opts=pulumi.ResourceOptions(
                parent=self.parent, depends_on=list(after), delete_before_replace=True
            ),
            **self._measured(alarm),
        )

    def _budget_alarm(self, budget: BudgetAlarm) -> aws.cloudwatch.CompositeAlarm:
        """Create the alarms of both windows, and the one that reads them, which goes before they do."""
        windows = [self._metric_alarm(window) for window in budget.windows]
        rule = pulumi.Output.all(*(window.name for window in windows)).apply(lambda _names: budget.rule)
        return aws.cloudwatch.CompositeAlarm(
            f"{self.spec.name}-{budget.role}",
            alarm_name=budget.name,
            region=self.spec.region,
            alarm_description=budget.description,
            alarm_rule=rule,
            alarm_actions=self._actions(),
            ok_actions=self._actions(),
            tags=self.spec.service.labels or None,
            opts=pulumi.ResourceOptions(
                parent=self.parent, delete_before_replace=True, replace_on_changes=["alarmRule"]
            ),
        )

    def _actions(self, notifies: bool = True) -> list[pulumi.Input[str]] | None:
        return [self.topic] if self.topic is not None and notifies else None

    def _measured(self, alarm: MetricAlarm) -> dict[str, Any]:
        """Return what the alarm computes: one metric, or an expression over several."""
        if not alarm.steps:
            [reading] = alarm.readings
            extended = reading.statistic.startswith(("p", "PR"))
            return {
                "namespace": reading.namespace,
                "metric_name": reading.metric,
                "extended_statistic" if extended else "statistic": reading.statistic,
                "period": alarm.period_seconds,
                "dimensions": self._dimensions(reading),
            }
        queries: list[_Query] = [self._query(reading, alarm.period_seconds) for reading in alarm.readings]
        for step in alarm.steps:
            last = step is alarm.steps[-1]
            queries.append({"id": step.id, "expression": step.expression, "return_data": last})
        return {"metric_queries": queries}

    def _query(self, reading: Reading, period_seconds: int) -> _Query:
        return {
            "id": reading.id,
            "return_data": False,
            "metric": {
                "namespace": reading.namespace,
                "metric_name": reading.metric,
                "stat": reading.statistic,
                "period": period_seconds,
                "dimensions": self._dimensions(reading),
            },
        }

    def _dimensions(self, reading: Reading) -> dict[str, pulumi.Input[str]]:
        return reading.placed(self.places)

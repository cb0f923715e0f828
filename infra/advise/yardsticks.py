"""Ways that Slipway does not deploy, to compare with: Lambda, EC2 and others. Pure."""

import math
from dataclasses import replace

from slipway.infra.advise.offer import Offer
from slipway.infra.advise.options import on_gke
from slipway.infra.advise.parts import load_balancer_charges
from slipway.infra.advise.question import Question
from slipway.infra.cost.charge import Charge
from slipway.infra.cost.usage import HOURS

# docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html: so much memory has one vCPU.
_LAMBDA_GB_PER_VCPU = 1769 / 1024
_LAMBDA_MOST_MIB = 10240
_MILLION = 1e6
# docs.aws.amazon.com/AWSEC2/latest/UserGuide/burstable-credits-baseline-concepts.html: 20, 30 % of each.
_T3_BASELINE_VCPU = {"t3.medium": 0.4, "t3.large": 0.6}


def yardsticks_of(question: Question) -> list[Offer]:
    if question.gpu and question.cpu_seconds is None:
        return [_sagemaker_gpu(question), _vertex_gpu(question), _ec2_gpu(question)]
    offers = [_lambda(question), _app_runner(question), _ec2(question), _knative(question)]
    offers += [_sagemaker(question), _vertex(question)]
    if question.gpu:
        offers += [_sagemaker_gpu(question), _vertex_gpu(question), _ec2_gpu(question)]
    return offers


def _lambda(question: Question) -> Offer:
    seconds = math.ceil(round((question.cpu_seconds or 0.0) * 1000, 6)) / 1000  # billed by the millisecond
    gib = max(_LAMBDA_GB_PER_VCPU, question.need_mib / 1024)
    against: list[str] = []
    if question.warm:
        against.append("it starts cold; provisioned concurrency has no price row here")
    if question.need_mib > _LAMBDA_MOST_MIB:
        against.append("its maximum is 10 GiB")
    charges = (
        Charge.by_use("lambda/memory", question.requests * seconds * gib),
        Charge.by_use("lambda/requests", question.requests / _MILLION),
    )
    return Offer("Lambda", "", 1, question.aws_region, charges, tuple(against), "one request at a time each")


def _instance_hours(question: Question, each: float, least: int) -> Charge:
    """each: requests a second of one busy instance."""
    usage = question.usage(1 / each)
    most = question.instances_at_peak(1 / each, 1)
    busy = usage.instances(each, least, most)
    expected = busy * usage.busy_hours + least * (HOURS - usage.busy_hours)
    return Charge("", least * HOURS, expected, most * HOURS)


def _of(hours: Charge, key: str, each: float = 1.0) -> Charge:
    return Charge(key, hours.idle * each, hours.expected * each, hours.maximum * each)


def _app_runner(question: Question) -> Offer:
    """Memory is billed always, CPU while there are requests: here in all the busy hours."""
    each = 1 / (question.cpu_seconds or 1)
    hours, active = _instance_hours(question, each, 1), _instance_hours(question, each, 0)
    gib = max(2.0, question.need_mib / 1024)
    busy = Charge("app-runner/cpu", 0.0, active.expected, active.maximum)
    charges = (_of(hours, "app-runner/memory", gib), busy)
    return Offer("App Runner", "", 1, question.aws_region, charges, (), "1 vCPU each, memory always billed")


def _ec2(question: Question) -> Offer:
    """Offer a burstable machine with two vCPU: a steady load above its baseline is billed as well."""
    seconds = question.cpu_seconds or 1
    hours = _instance_hours(question, 2 / seconds, 1)
    machine = "t3.medium" if question.need_mib <= 3 * 1024 else "t3.large"
    earned = _T3_BASELINE_VCPU[machine]
    surplus = Charge(
        "ec2/t3-surplus",
        0.0,
        max(0.0, question.requests * seconds / 3600 - earned * hours.expected),
        hours.maximum * (2 - earned),
    )
    charges = (
        _of(hours, f"ec2/{machine}"),
        surplus,
        *load_balancer_charges(question.usage(question.cpu_seconds)),
    )
    return Offer(f"EC2 {machine}", "", 4, question.aws_region, charges, (), "you patch and scale it yourself")


def _knative(question: Question) -> Offer:
    """On GKE's nodes: its pods go to zero, its nodes do not."""
    below = on_gke(question, spot=False)
    remark = "as GKE: its pods go to zero, the nodes do not"
    return replace(below, name="Knative on GKE", target="", effort=4, remark=remark, settings={})


def _ec2_gpu(question: Question) -> Offer:
    hours = _instance_hours(question, 1 / (question.gpu_seconds or 1), 1)
    charges = (_of(hours, "ec2/g4dn.xlarge"), *load_balancer_charges(question.usage(question.gpu_seconds)))
    return Offer(
        "EC2 g4dn.xlarge", "", 4, question.aws_region, charges, (), "no price of a GPU on EC2 was found"
    )


def _sagemaker(question: Question) -> Offer:
    hours = _instance_hours(question, 4 / (question.cpu_seconds or 1), 1)
    charges = (_of(hours, "sagemaker/ml.m5.xlarge"),)
    return Offer("SageMaker ml.m5.xlarge", "", 2, question.aws_region, charges, (), "4 vCPU each")


def _sagemaker_gpu(question: Question) -> Offer:
    remark = "a T4 each; taken to be as fast as the GPU that was measured"
    hours = _instance_hours(question, 1 / (question.gpu_seconds or 1), 1)
    charges = (_of(hours, "sagemaker/ml.g4dn.xlarge"),)
    return Offer("SageMaker ml.g4dn.xlarge", "", 2, question.aws_region, charges, (), remark)


def _vertex(question: Question) -> Offer:
    hours = _instance_hours(question, 4 / (question.cpu_seconds or 1), 1)
    charges = (_of(hours, "vertex/n1-standard-4"),)
    return Offer(
        "Vertex n1-standard-4", "", 2, question.gcp_region, charges, (), "4 vCPU each, never to zero"
    )


def _vertex_gpu(question: Question) -> Offer:
    remark = "no price of a Vertex endpoint with a GPU was found"
    return Offer("Vertex with a GPU", "", 2, question.gcp_region, (), (), remark)

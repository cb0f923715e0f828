"""Google's machines with GPUs as Google lists them, written out by hand; nothing of the code is imported.

Name: vCPU, memory in GiB, accelerator, how many of it one machine has or takes. Sources: the machine list as
as github.com/Cyclenerd/google-cloud-pricing-cost-calculator has it (build/gcp.yml, dac3128, 2026-08-20), and
docs.cloud.google.com/compute/docs/accelerator-optimized-machines and /gpus.
"""

from collections.abc import Mapping

L4, T4, RTX = "nvidia-l4", "nvidia-tesla-t4", "nvidia-rtx-pro-6000"
V100, H100_MEGA, H200 = "nvidia-tesla-v100", "nvidia-h100-mega-80gb", "nvidia-h200-141gb"
A100, A100_80, H100 = "nvidia-tesla-a100", "nvidia-a100-80gb", "nvidia-h100-80gb"
MACHINES: Mapping[str, tuple[float, float, str, tuple[int, ...]]] = {
    "g2-standard-4": (4, 16, L4, (1,)),
    "g2-standard-8": (8, 32, L4, (1,)),
    "g2-standard-12": (12, 48, L4, (1,)),
    "g2-standard-16": (16, 64, L4, (1,)),
    "g2-standard-24": (24, 96, L4, (2,)),
    "g2-standard-32": (32, 128, L4, (1,)),
    "g2-standard-48": (48, 192, L4, (4,)),
    "g2-standard-96": (96, 384, L4, (8,)),
    "n1-standard-2": (2, 7.5, T4, (1, 2, 4)),
    "n1-standard-4": (4, 15, T4, (1, 2, 4)),
    "n1-standard-8": (8, 30, T4, (1, 2, 4)),
    "n1-standard-16": (16, 60, T4, (1, 2, 4)),
    "n1-standard-32": (32, 120, T4, (1, 2, 4)),
    "n1-standard-64": (64, 240, T4, (4,)),
    "n1-standard-96": (96, 360, T4, (4,)),
    "n1-highmem-2": (2, 13, T4, (1, 2, 4)),
    "n1-highmem-4": (4, 26, T4, (1, 2, 4)),
    "n1-highmem-8": (8, 52, T4, (1, 2, 4)),
    "n1-highmem-16": (16, 104, T4, (1, 2, 4)),
    "n1-highmem-32": (32, 208, T4, (1, 2, 4)),
    "n1-highmem-64": (64, 416, T4, (4,)),
    "n1-highmem-96": (96, 624, T4, (4,)),
    "a2-highgpu-1g": (12, 85, A100, (1,)),
    "a2-highgpu-2g": (24, 170, A100, (2,)),
    "a2-highgpu-4g": (48, 340, A100, (4,)),
    "a2-highgpu-8g": (96, 680, A100, (8,)),
    "a2-ultragpu-1g": (12, 170, A100_80, (1,)),
    "a2-ultragpu-2g": (24, 340, A100_80, (2,)),
    "a2-ultragpu-4g": (48, 680, A100_80, (4,)),
    "a2-ultragpu-8g": (96, 1360, A100_80, (8,)),
    "a3-highgpu-1g": (26, 234, H100, (1,)),
    "a3-highgpu-2g": (52, 468, H100, (2,)),
    "a3-highgpu-4g": (104, 936, H100, (4,)),
    "a3-highgpu-8g": (208, 1872, H100, (8,)),
    "a3-megagpu-8g": (208, 1872, H100_MEGA, (8,)),
    "a3-ultragpu-8g": (224, 2952, H200, (8,)),
    "g4-standard-48": (48, 180, RTX, (1,)),
    "g4-standard-96": (96, 360, RTX, (2,)),
    "g4-standard-192": (192, 720, RTX, (4,)),
    "g4-standard-384": (384, 1440, RTX, (8,)),
}
# docs.cloud.google.com/compute/docs/gpus, V100: name -> how many of them an N1 takes instead of T4.
WITH_V100: Mapping[str, tuple[int, ...]] = {
    **dict.fromkeys(("n1-standard-2", "n1-standard-4", "n1-standard-8"), (1, 2, 4, 8)),
    **dict.fromkeys(("n1-highmem-2", "n1-highmem-4", "n1-highmem-8"), (1, 2, 4, 8)),
    **dict.fromkeys(("n1-standard-16", "n1-highmem-16"), (2, 4, 8)),
    **dict.fromkeys(("n1-standard-32", "n1-highmem-32"), (4, 8)),
    **dict.fromkeys(("n1-standard-64", "n1-standard-96", "n1-highmem-64", "n1-highmem-96"), (8,)),
}

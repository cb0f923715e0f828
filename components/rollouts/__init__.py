"""What the rollouts of every target share: kinds, arguments and rules. Pure, and read without Pulumi."""

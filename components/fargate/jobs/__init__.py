"""Jobs on ECS Fargate: the workers, the database that keeps the jobs, and the scaling by their number."""

"""Jobs on ECS Fargate: the workers, the database that keeps the jobs, and what scales the one by the other."""

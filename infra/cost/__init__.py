"""What a stack costs: a pure reading of its Plan, by a dated table of list prices."""

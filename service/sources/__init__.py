"""Models in a bucket: fetched at start into a local folder, checked by the hashes of a pinned manifest."""

"""Files scored by the image that serves: what a container with ROLE=batch does, and where it writes.

The container reads BATCH_INPUT, computes its share and ends. It serves nothing and needs no MODEL_API_KEY.
What it takes from the environment is in settings.py; the model, its limits and threads are a server's own
settings.

Instances share the work by parts of BATCH_PART_ROWS rows: part `k` is shard `k % BATCH_SHARDS`'s. Every
instance reads the whole input once to count its rows, so that all find the same parts without talking.

Below BATCH_OUTPUT, a folder or a bucket's prefix:

    part-00000-of-00005.jsonl         results in the order of the input; appears whole, under its final name
    failed/part-00000-of-00005.jsonl  the rows of that part that have none: row, file, line, reason, input
    _batch/run.json                   what the run is: input, model, code, options, shards, parts
    _batch/done/part-00000.json       a part that is complete: rows, failed, seconds
    _batch/pieces/part-00000/…        rows of a part in progress, every BATCH_PIECE_SECONDS; deleted with it
    _batch/crashed/row-….json         a row that ended the process, which is not computed again
    _batch/report.json                the whole run, by whichever instance finds every part complete

There is no last step: nothing is joined or renamed once parts are complete, and a run is complete when
`_batch/done` has them all. A start with the same environment goes on where the last one stopped, whatever
ended it.

Exit codes: 0 this shard is complete; 1 it cannot go on, and another try may help; 2 refused, another try
does not help; 3 complete, but more rows of the shard failed than BATCH_MAX_FAILED; 75 stopped by SIGTERM,
and the next start goes on.

Every BATCH_PROGRESS_SECONDS, and at its end, an instance logs one line with the message `Batch` and the
fields shard, shards, batch_rows, batch_rows_done, batch_rows_failed, batch_parts, batch_parts_done (all of
its shard alone), batch_rows_per_second, batch_seconds_left (null until it is known), and batch_state:
`running`, `stopped`, `failed` or `complete`. Rows of earlier starts count as done. No line holds what a row
says.

Jobs over files use what reads and writes rows as well: rows.py, reading.py, writing.py, places.py.
"""

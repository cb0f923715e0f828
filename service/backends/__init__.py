"""Model runtimes. A backend turns token ids into the model's output and knows nothing of texts or HTTP."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Int64s = NDArray[np.int64]
Float32s = NDArray[np.float32]


class Backend(Protocol):
    def run(self, input_ids: Int64s, attention_mask: Int64s) -> Float32s:
        """Compute a batch. Called from several threads at once.

        input_ids, attention_mask: [batch, tokens], mask 1 = token, 0 = padding.
        Returns [batch, width]; for a classifier the logits, one per label.
        """
        ...

"""Values as numbers from 0 on, and as columns of a sparse matrix."""

import numpy as np
import pyarrow as pa
from scipy import sparse


def codes_of(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where each value is first, in order of values, and which of these each is: as np.unique says
    it, which sorts all of them."""
    encoded = pa.array(values).dictionary_encode()
    appearance = encoded.indices.to_numpy()
    order = np.argsort(encoded.dictionary.to_numpy(zero_copy_only=False), kind="stable")
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    first = np.flatnonzero(np.diff(np.maximum.accumulate(appearance), prepend=-1))
    return first[order], place[appearance]


def one_hot(at: np.ndarray, size: int) -> sparse.csr_matrix:
    """Sparse (rows, size), 1 in the columns that each row names."""
    ends = np.arange(0, at.size + 1, at.shape[1])
    return sparse.csr_matrix((np.ones(at.size), at.ravel(), ends), (len(at), size))

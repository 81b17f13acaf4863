"""The fusion DAG as a file, for other tools to look at or to search in another way."""

from __future__ import annotations

import io
import json

import networkx as nx

from tflm_msf.errors import MsfError

FORMATS = ("graphml", "json")


def dag_file(dag: nx.MultiDiGraph, file_format: str) -> bytes:
    """The DAG as GraphML (Gephi, yEd) or as networkx' node-link JSON.

    Args:
        dag: what :func:`tflm_msf.search.front.as_networkx` gives.
        file_format: one of :data:`FORMATS`.

    Raises:
        MsfError: if the format is another one.
    """
    if file_format not in FORMATS:
        raise MsfError(f"The fusion DAG cannot be written as '.{file_format}'; use one of .{', .'.join(FORMATS)}.")
    if file_format == "json":
        return (json.dumps(nx.node_link_data(dag, edges="edges")) + "\n").encode()
    content = io.BytesIO()
    nx.write_graphml(dag, content)
    return content.getvalue()

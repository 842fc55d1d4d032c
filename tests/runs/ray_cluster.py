"""A Ray cluster of the tests' own, on this machine: a head, a node labelled H100 and one labelled L4. Nothing of it is
a real GPU."""

from __future__ import annotations

import os
import socket
from typing import Any

most_bytes = 80 * 2**20


class RayCluster:
    def __init__(self) -> None:
        os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
        from ray.cluster_utils import Cluster

        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.address = f"http://127.0.0.1:{port}"
        self.cluster = Cluster(
            initialize_head=True,
            head_node_args={
                "num_cpus": 1,
                "include_dashboard": True,
                "dashboard_port": port,
                "object_store_memory": most_bytes,
            },
        )
        self.nodes = {accelerator: self.add_node(accelerator) for accelerator in ("H100", "L4")}

    def add_node(self, accelerator: str) -> Any:
        return self.cluster.add_node(
            num_cpus=2, num_gpus=1, resources={f"accelerator_type:{accelerator}": 1}, object_store_memory=most_bytes
        )

    def kill(self, accelerator: str) -> None:
        """The machine is gone, without a word."""
        self.cluster.remove_node(self.nodes[accelerator], allow_graceful=False)

    def stop(self) -> None:
        self.cluster.shutdown()
